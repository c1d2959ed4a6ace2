package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"runtime/debug"
	"strconv"
	"sync"
	"time"
)

const (
	before = 50
	after  = 100
	pause  = 10 * time.Millisecond
)

// work is what a library does steadily while the primary is killed, and what is told of it.
type work struct {
	library, module string
	ran             []string
	settings        string
	key             string
	write           func(ctx context.Context, number int) error
	// readAll is given the numbers whose writes were acknowledged, and gives those that are there.
	readAll func(ctx context.Context, acknowledged []int) ([]string, error)

	mu     sync.Mutex
	errors map[string]int
}

// note counts an error that an application would see.
func (w *work) note(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.errors == nil {
		w.errors = map[string]int{}
	}
	w.errors[err.Error()]++
}

// run prints "ready KEY", works until a line on standard input says that the primary has been replaced, works on a
// little, reads everything back, and prints a line of JSON.
func (w *work) run(ctx context.Context) error {
	told := make(chan struct{})
	go func() {
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
		close(told)
	}()
	var acknowledged []int
	tried := 0
	for left := after; left > 0; tried++ {
		if err := w.write(ctx, tried); err != nil {
			w.note(err)
		} else {
			acknowledged = append(acknowledged, tried)
		}
		if tried == before {
			fmt.Println("ready", w.key)
		}
		select {
		case <-told:
			left--
		default:
		}
		time.Sleep(pause)
	}
	list, err := w.readAll(ctx, acknowledged)
	if err != nil {
		return err
	}
	return w.tell(tried, acknowledged, list)
}

func (w *work) tell(tried int, acknowledged []int, list []string) error {
	found := map[int]int{}
	twice, missing := 0, 0
	for _, text := range list {
		number, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		if found[number]++; found[number] == 2 {
			twice++
		}
	}
	for _, number := range acknowledged {
		if found[number] == 0 {
			missing++
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"library": w.library, "version": versionOf(w.module), "ran": w.ran, "settings": w.settings,
		"operations": tried, "acknowledged": len(acknowledged), "missing": missing, "twice": twice, "errors": w.errors,
	})
}

// versionOf is what this binary was built with.
func versionOf(module string) string {
	built, _ := debug.ReadBuildInfo()
	for _, m := range built.Deps {
		if m.Path == module {
			return m.Version
		}
	}
	return "unknown"
}

// until asks again until the condition holds.
func until(ctx context.Context, what string, condition func() bool) error {
	for range 1500 {
		if condition() {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
	return errors.New("waited too long for " + what)
}

// said publishes, and says whether the message that was published after the switch has been heard.
func said(heard <-chan string, publish func()) func() bool {
	return func() bool {
		publish()
		select {
		case text := <-heard:
			return text == "second"
		case <-time.After(pause):
			return false
		}
	}
}

// checks collects what was not as it must be.
type checks struct{ failed []error }

// same notes an answer that is another, or an error.
func (c *checks) same(what string, got any, err error, want any) {
	if err != nil || !reflect.DeepEqual(got, want) {
		c.failed = append(c.failed, fmt.Errorf("%s: got %#v, %w; want %#v", what, got, err, want))
	}
}

func (c *checks) err() error { return errors.Join(c.failed...) }

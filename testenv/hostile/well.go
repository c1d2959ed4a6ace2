package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"evergate/testenv/servers"
)

const (
	// wellClients are the well-behaved clients, and wellPause is their time between two commands.
	wellClients = 8
	wellPause   = 4 * time.Millisecond
	// mistakesMax is how many mistakes are remembered.
	mistakesMax = 20
)

// Phase is what the well-behaved clients saw in a time.
type Phase struct {
	Commands int
	Failures int
	// P50, P99 and Max are latencies.
	P50, P99, Max time.Duration
}

// well are well-behaved clients of the gateway, or of the server behind it: those show how busy the machine and the
// server are with the attacks.
type well struct {
	addr, password string
	config         *tls.Config // nil: without TLS

	mu       sync.Mutex
	took     []time.Duration // in this phase
	failures int
	wrong    []string
}

// use is one client: it writes values that name their key, and reads them.
func (w *well) use(ctx context.Context, number int) {
	var c *servers.Conn
	for turn := 0; ctx.Err() == nil; turn++ {
		if c == nil {
			var err error
			if c, err = login(wellBehaved, w.addr, w.password, w.config); err != nil {
				w.failed("client %d: connecting: %v", number, err)
				time.Sleep(100 * time.Millisecond)
				continue
			}
		}
		if err := w.pair(c, number, turn); err != nil {
			w.failed("client %d: %v", number, err)
			_ = c.Close()
			c = nil
		}
		time.Sleep(wellPause)
	}
	if c != nil {
		_ = c.Close()
	}
}

// pair writes a value and reads it.
func (w *well) pair(c *servers.Conn, number, turn int) error {
	key := fmt.Sprintf("well:%s:%d:%d", w.addr, number, turn%100)
	value := fmt.Sprintf("%s=%d", key, turn)
	if err := w.command(c, "+OK\r\n", "SET", key, value); err != nil {
		return err
	}
	return w.command(c, fmt.Sprintf("$%d\r\n%s\r\n", len(value), value), "GET", key)
}

func (w *well) command(c *servers.Conn, want string, args ...string) error {
	began := time.Now()
	reply, err := c.Do(args...)
	took := time.Since(began)
	if err != nil {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.took = append(w.took, took)
	if got := string(reply); got != want {
		w.remember("%s %s: %.200q, want %.200q", args[0], args[1], got, want)
	}
	return nil
}

// failed counts a command that got no reply: well-behaved clients must not notice the attacks.
func (w *well) failed(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failures++
	w.remember(format, args...)
}

// remember keeps a mistake. The caller holds the lock.
func (w *well) remember(format string, args ...any) {
	if len(w.wrong) < mistakesMax {
		w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
	}
}

// phase ends a phase.
func (w *well) phase() Phase {
	w.mu.Lock()
	defer w.mu.Unlock()
	took, failures := w.took, w.failures
	w.took, w.failures = nil, 0
	slices.Sort(took)
	p := Phase{Commands: len(took), Failures: failures}
	if len(took) > 0 {
		p.P50, p.P99, p.Max = took[len(took)/2], took[len(took)*99/100], took[len(took)-1]
	}
	return p
}

func (w *well) mistakes() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.wrong)
}

// wellBehaved is the address of all who do no harm.
const wellBehaved = "127.0.0.1"

// login connects from an address to another one, with TLS if there is a config, and authenticates where there is a
// password.
func login(from, addr, password string, config *tls.Config) (c *servers.Conn, err error) {
	if config != nil {
		c, err = servers.DialTLSFrom(from, addr, config)
	} else {
		c, err = servers.DialFrom(from, addr)
	}
	if err != nil || password == "" {
		return c, err
	}
	reply, err := c.Do("AUTH", password)
	if err == nil && !strings.HasPrefix(string(reply), "+OK") {
		err = fmt.Errorf("AUTH: %s", strings.TrimSpace(string(reply)))
	}
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

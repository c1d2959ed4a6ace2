package main

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	"evergate/testenv/servers"
)

// ledger is what clients of a gateway sent, and what came of it.
type ledger struct {
	mu sync.Mutex
	// replies that are no error, error replies, and those of the latter that begin with UNCERTAIN.
	fine, errors, uncertain int
	longest                 time.Duration
}

func (l *ledger) enter(reply []byte, took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.longest = max(l.longest, took)
	switch {
	case bytes.HasPrefix(reply, []byte("-UNCERTAIN")):
		l.errors++
		l.uncertain++
	case bytes.HasPrefix(reply, []byte("-")):
		l.errors++
	default:
		l.fine++
	}
}

// totals are the ledger's numbers by now.
func (l *ledger) totals() (fine, errors, uncertain int, longest time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fine, l.errors, l.uncertain, l.longest
}

// startLoad has clients write and read, a request each few milliseconds, until stop is called. The first client has a
// name by which it wants to harm the page, and all use its key.
func startLoad(t *testing.T, gateway string, clients int) (l *ledger, stop func()) {
	t.Helper()
	l = &ledger{}
	ended := make(chan struct{})
	var all sync.WaitGroup
	for i := range clients {
		c := servers.MustDial(t, gateway)
		c.Within(patience)
		if i == 0 {
			if reply, err := c.Do("CLIENT", "SETNAME", hostileName); err != nil || string(reply) != "+OK\r\n" {
				t.Fatalf("CLIENT SETNAME: %s, %v", reply, err)
			}
		}
		all.Go(func() {
			pace := time.NewTicker(4 * time.Millisecond)
			defer pace.Stop()
			for n := 0; ; n++ {
				select {
				case <-ended:
					return
				case <-pace.C:
				}
				request := []string{"GET", hostile}
				if n%4 == 0 {
					request = []string{"SET", hostile, "value"}
				}
				begun := time.Now()
				reply, err := c.Do(request...)
				if err != nil {
					t.Errorf("a client lost its connection: %v", err)
					return
				}
				l.enter(reply, time.Since(begun))
			}
		})
	}
	var once sync.Once
	stop = func() { once.Do(func() { close(ended); all.Wait() }) }
	t.Cleanup(stop)
	return l, stop
}

// infoField returns a field of INFO as the gateway answers it.
func infoField(t *testing.T, c *servers.Conn, section, name string) string {
	t.Helper()
	reply, err := c.Do("INFO", section)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(reply)) {
		if value, found := strings.CutPrefix(line, name+":"); found {
			return strings.TrimSpace(value)
		}
	}
	t.Fatalf("INFO %s has no %s:\n%s", section, name, reply)
	return ""
}

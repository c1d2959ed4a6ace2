package watch

import (
	"context"
	"net"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"evergate/topology"
)

// TestWordsOfErrors: the text of an error that is reported once must always be the same, and name the server concerned.
func TestWordsOfErrors(t *testing.T) {
	for want, err := range map[string]error{
		"timeout":            os.ErrDeadlineExceeded,
		"connection refused": &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED},
		"lookup db.test: no such host": &net.OpError{Op: "dial",
			Err: &net.DNSError{Err: "no such host", Name: "db.test", Server: "127.0.0.11:53", IsNotFound: true}},
		"lookup db.test: no answer from a name server": &net.DNSError{Name: "db.test", Server: "127.0.0.11:53",
			Err: "read udp 127.0.0.1:40000->127.0.0.11:53: read: connection refused"},
	} {
		if got := words(err); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
	if got := words(&net.DNSError{Name: "db.test", Err: "i/o timeout", IsTimeout: true}); strings.HasPrefix(got, "time") {
		t.Errorf("a name server that is silent reads as a server that is: %q", got)
	}
}

// TestNamesAreResolvedRepeatedly: a changed address of a name of a plain list is used, without any other event.
func TestNamesAreResolvedRepeatedly(t *testing.T) {
	var points atomic.Pointer[[]string]
	points.Store(&[]string{"127.0.0.1"})
	w := New(Options{ResolveInterval: 5 * time.Millisecond,
		Resolve: func(context.Context, string) ([]string, error) { return *points.Load(), nil }})
	s := w.add(Service{Name: "p", Primary: "db.test:1"})
	seen := make(chan []string, 10)
	s.tap = func(o topology.Observation) {
		if r, ok := o.(topology.Resolved); ok {
			seen <- r.Addrs
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	for _, want := range [][]string{{"127.0.0.1:1"}, {"127.0.0.2:1", "[::1]:1"}} {
		select {
		case got := <-seen:
			if !slices.Equal(got, want) {
				t.Errorf("it stands for %v, want %v", got, want)
			}
		case <-time.After(time.Minute):
			t.Fatalf("it was not found to stand for %v", want)
		}
		points.Store(&[]string{"::1", "127.0.0.2"})
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if d := (Options{}).withDefaults().ResolveInterval; d != 5*time.Second {
		t.Errorf("names are resolved every %v", d)
	}
}

package watch

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"evergate/topology"
)

// TestNamesAreResolvedAgain: a name of a plain list that points elsewhere one day is followed there, without anything
// else having happened.
func TestNamesAreResolvedAgain(t *testing.T) {
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
		case <-time.After(5 * time.Second):
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

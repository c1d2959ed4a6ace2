package gateway

import (
	"strings"
	"testing"
	"time"

	"evergate/topology/decide"
)

// TestLatency: the times of commands over all workers, and failovers as events.
func TestLatency(t *testing.T) {
	n := startNode(t)
	g, addr := start(t, loops["system"], n, nil)
	do := func(args ...string) string {
		c := connect(t, addr)
		c.send(args...)
		return c.reply()
	}
	for range 4 { // on both workers
		do("GET", "k")
		do("SET", "k", "v")
		do("GET", "k")
	}
	got := do("LATENCY", "HISTOGRAM")
	if !strings.Contains(got, "$3\r\nget\r\n*4\r\n$5\r\ncalls\r\n:8\r\n$14\r\nhistogram_usec\r\n*") ||
		!strings.Contains(got, "$3\r\nset\r\n*4\r\n$5\r\ncalls\r\n:4\r\n") || !strings.HasPrefix(got, "*4\r\n") {
		t.Errorf("%q", got)
	}
	if got := do("LATENCY", "HISTOGRAM", "SET", "nosuch"); !strings.HasPrefix(got, "*2\r\n$3\r\nset\r\n") {
		t.Errorf("%q", got)
	}
	g.ResetTimes(g.of(0).measured)
	do("SET", "k", "v")
	if got := do("LATENCY", "HISTOGRAM"); !strings.HasPrefix(got, "*2\r\n$3\r\nset\r\n*4\r\n$5\r\ncalls\r\n:1\r\n") {
		t.Errorf("after a reset: %q", got)
	}

	if got := do("LATENCY", "LATEST"); got != "*0\r\n" {
		t.Errorf("%q", got)
	}
	if got := do("LATENCY", "GRAPH", "failover"); got != "-ERR No samples available for event 'failover'\r\n" {
		t.Errorf("%q", got)
	}
	began := time.Now().Add(-time.Minute)
	for _, e := range []decide.Event{{Kind: decide.Held, After: 100 * time.Millisecond},
		{Kind: decide.Released, To: "b", After: 350 * time.Millisecond}} {
		e.Failover, e.Began, e.From = 1, began, "a"
		g.of(0).failovers.Note(e)
	}
	if got := do("LATENCY", "LATEST"); !strings.HasPrefix(got, "*1\r\n*4\r\n$8\r\nfailover\r\n:") ||
		!strings.HasSuffix(got, ":250\r\n:250\r\n") {
		t.Errorf("%q", got)
	}
	if got := do("LATENCY", "HISTORY", "failover"); !strings.HasSuffix(got, ":250\r\n") {
		t.Errorf("%q", got)
	}
	if got := do("LATENCY", "DOCTOR"); !strings.Contains(got, "failover: 1 latency spikes (average 250 ms).") {
		t.Errorf("%q", got)
	}
	if got := do("LATENCY", "GRAPH", "failover"); !strings.Contains(got, " 250 ms\n") {
		t.Errorf("%q", got)
	}
	if got := do("LATENCY", "RESET", "hold"); got != ":0\r\n" {
		t.Errorf("%q", got)
	}
	if got := do("LATENCY", "RESET"); got != ":1\r\n" {
		t.Errorf("%q", got)
	}
	if got := do("LATENCY", "LATEST"); got != "*0\r\n" {
		t.Errorf("%q", got)
	}
}

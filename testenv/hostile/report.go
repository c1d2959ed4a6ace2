package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"evergate/testenv/servers"
)

// Report is what a run found.
type Report struct {
	Quiet, Attacked Phase
	Before, After   Held
	// Peak is the most resident memory under attack, in bytes.
	Peak int64
	// Settled is how long it took until the gateway held as much as before.
	Settled time.Duration
	// Attempts counts each attack.
	Attempts map[string]int64
	// Mistakes are replies that were not those of the commands, and commands without a reply.
	Mistakes []string
	// Closed are the reasons for which clients were closed.
	Closed string
}

// slowerMost is how much slower well-behaved clients may become, by their 99th percentile.
const slowerMost = 2.0

// Wrong returns what was promised and not kept. Latency is judged where timed is set: it means little on a machine that
// does other things.
func (r *Report) Wrong(timed bool) (wrong []string) {
	add := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	for _, m := range r.Mistakes {
		add("%s", m)
	}
	if n := r.Attacked.Failures + r.Quiet.Failures; n > 0 {
		add("%d commands of well-behaved clients got no reply", n)
	}
	if r.Attacked.Commands == 0 {
		add("well-behaved clients were not served under attack")
	}
	if !servers.RaceEnabled && r.Peak > memoryMax {
		add("%d MB resident, of %d", r.Peak>>20, memoryMax>>20)
	}
	if r.Settled > settleWithin {
		add("%v after the attacks %+v is held, before it was %+v", r.Settled.Round(time.Second), r.After, r.Before)
	}
	if timed && float64(r.Attacked.P99) > slowerMost*float64(r.Quiet.P99) {
		add("p99 of well-behaved clients is %v under attack, %v without", r.Attacked.P99, r.Quiet.P99)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Attempts)) {
		if r.Attempts[name] == 0 {
			add("the attack %s was never made", name)
		}
	}
	return wrong
}

// String is the report for people.
func (r *Report) String() string {
	var b strings.Builder
	for _, p := range []struct {
		name string
		Phase
	}{{"alone", r.Quiet}, {"attacked", r.Attacked}} {
		fmt.Fprintf(&b, "%-9s %7d commands, %d failed, p50 %v, p99 %v, longest %v\n", p.name, p.Commands, p.Failures, p.P50,
			p.P99, p.Max)
	}
	fmt.Fprintf(&b, "memory    %d MB before, %d MB at most, %d MB afterwards; settled in %v\n", r.Before.Resident>>20,
		r.Peak>>20, r.After.Resident>>20, r.Settled.Round(100*time.Millisecond))
	fmt.Fprintf(&b, "open      %d descriptors and %d goroutines before, %d and %d afterwards\n", r.Before.Descriptors,
		r.Before.Goroutines, r.After.Descriptors, r.After.Goroutines)
	fmt.Fprintf(&b, "closed    %s\nattacks   ", r.Closed)
	for _, name := range slices.Sorted(maps.Keys(r.Attempts)) {
		fmt.Fprintf(&b, "%s %d  ", name, r.Attempts[name])
	}
	return b.String() + "\n"
}

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
	// DirectQuiet and DirectAttacked are the same for clients of the server itself.
	DirectQuiet, DirectAttacked Phase
	Before, After               Held
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

// slowerMost is how much slower well-behaved clients may become, by their 99th percentile, beyond what clients of the
// server itself do: the attackers have the same machine.
const slowerMost = 2.0

// Wrong returns what was promised and not kept. Where alone is not set, other things run on the machine: latency means
// little then, and the collector may come late.
func (r *Report) Wrong(alone bool) (wrong []string) {
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
	most := int64(memoryMax)
	if !alone {
		most += most / 4
	}
	if !servers.RaceEnabled && r.Peak > most {
		add("%d MB resident, of %d", r.Peak>>20, most>>20)
	}
	if r.Settled > settleWithin {
		add("%v after the attacks %+v is held, before it was %+v", r.Settled.Round(time.Second), r.After, r.Before)
	}
	if slower, busier := ratio(r.Attacked, r.Quiet), ratio(r.DirectAttacked, r.DirectQuiet); alone &&
		slower > slowerMost*max(1, busier) {
		add("p99 of well-behaved clients is %.1f times as long under attack; of clients of the server itself %.1f times",
			slower, busier)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Attempts)) {
		if r.Attempts[name] == 0 {
			add("the attack %s was never made", name)
		}
	}
	return wrong
}

// ratio is how much longer the 99th percentile of a is than that of b.
func ratio(a, b Phase) float64 { return float64(a.P99) / float64(max(1, b.P99)) }

// String is the report for people.
func (r *Report) String() string {
	var b strings.Builder
	for _, p := range []struct {
		name string
		Phase
	}{{"alone", r.Quiet}, {"attacked", r.Attacked}, {"direct, alone", r.DirectQuiet},
		{"direct, attacked", r.DirectAttacked}} {
		fmt.Fprintf(&b, "%-16s %7d commands, %d failed, p50 %v, p99 %v, longest %v\n", p.name, p.Commands, p.Failures, p.P50,
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

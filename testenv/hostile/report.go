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
	// Quiet is without attacks, Apart and Beside are under attack: see Options.
	Quiet, Apart, Beside Seen
	Before, After        Held
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

// Seen is what the well-behaved clients saw in a phase: those of the gateway without TLS and with it, and those of the
// server itself.
type Seen struct{ Plain, TLS, Direct Phase }

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
	for _, phase := range r.phases() {
		for _, p := range phase.groups() {
			if p.Failures > 0 && p.name != direct {
				add("%s: %d commands of well-behaved clients got no reply, %s", phase.name, p.Failures, p.name)
			}
			if p.Commands == 0 {
				add("%s: well-behaved clients were not served, %s", phase.name, p.name)
			}
		}
		if phase.name != quiet && alone {
			wrong = append(wrong, r.slower(phase)...)
		}
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
	for _, name := range slices.Sorted(maps.Keys(r.Attempts)) {
		if r.Attempts[name] == 0 {
			add("the attack %s was never made", name)
		}
	}
	return wrong
}

// slower returns whose commands took longer under attack than they may.
func (r *Report) slower(under namedSeen) (wrong []string) {
	busier := ratio(under.Direct, r.Quiet.Direct)
	was := namedSeen{quiet, r.Quiet}.groups()
	for i, p := range under.groups() {
		if slower := ratio(p.Phase, was[i].Phase); p.name != direct && slower > slowerMost*max(1, busier) {
			wrong = append(wrong, fmt.Sprintf("%s: p99 of well-behaved clients is %.1f times as long, %s; of clients of the "+
				"server itself %.1f times", under.name, slower, p.name, busier))
		}
	}
	return wrong
}

// ratio is how much longer the 99th percentile of a is than that of b.
func ratio(a, b Phase) float64 { return float64(a.P99) / float64(max(1, b.P99)) }

// namedSeen and namedPhase have names for people.
type namedSeen struct {
	name string
	Seen
}

type namedPhase struct {
	name string
	Phase
}

const (
	quiet  = "alone"
	direct = "direct"
)

// phases are those that there were.
func (r *Report) phases() []namedSeen {
	all := []namedSeen{{quiet, r.Quiet}, {"attacked from apart", r.Apart}, {"attacked from beside", r.Beside}}
	return slices.DeleteFunc(all, func(s namedSeen) bool { return s.Seen == Seen{} })
}

// groups are the well-behaved clients.
func (s namedSeen) groups() []namedPhase {
	return []namedPhase{{"plain", s.Plain}, {"TLS", s.TLS}, {direct, s.Direct}}
}

// String is the report for people.
func (r *Report) String() string {
	var b strings.Builder
	was := namedSeen{quiet, r.Quiet}.groups()
	for _, phase := range r.phases() {
		for i, p := range phase.groups() {
			fmt.Fprintf(&b, "%-20s %-6s %7d commands, %d failed, p50 %v, p99 %v (x%.1f), longest %v\n", phase.name, p.name,
				p.Commands, p.Failures, p.P50.Round(time.Microsecond), p.P99.Round(time.Microsecond),
				ratio(p.Phase, was[i].Phase), p.Max.Round(time.Microsecond))
		}
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

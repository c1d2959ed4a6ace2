//go:build linux

package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"evergate/testenv/servers"
)

// scenario is one kind of load. Figures of different scenarios are never mixed.
type scenario struct {
	Command  string `json:"command"`
	Pipeline int    `json:"pipeline"`
	Bytes    int    `json:"value_bytes,omitempty"` // 0: that of small
}

func (s scenario) String() string {
	if s.Bytes > 0 {
		return fmt.Sprintf("%s of %d KB", s.Command, s.Bytes>>10)
	}
	return fmt.Sprintf("%s, pipeline %d", s.Command, s.Pipeline)
}

// figures are the results of one round for one target in one scenario.
type figures struct {
	Requests float64 `json:"requests_per_second"`
	P50      float64 `json:"p50_ns"`
	P99      float64 `json:"p99_ns"`
	// CPU and ServerCPU are nanoseconds a request, of the target's process and of the server's. Straight to the
	// server they are the same.
	CPU       float64 `json:"cpu_ns_per_request"`
	ServerCPU float64 `json:"server_cpu_ns_per_request"`
}

// series holds the rounds of one target in one scenario, in order: round i of two targets was measured side by side.
type series struct {
	Scenario scenario  `json:"scenario"`
	Target   string    `json:"target"`
	Rounds   []figures `json:"rounds"`
}

type comparison struct {
	targets   []*target
	server    *target // its CPU is a figure of its own; nil if there are several
	scenarios []scenario
	rounds    int
	conns     int
	warmup    time.Duration
	measured  time.Duration
	progress  func(round int) // may be nil
}

// run measures all targets in all scenarios, round by round. The order of the targets differs in each round, so that no
// target always follows the same one, or has the same state of the machine.
func (c *comparison) run(ctx context.Context) ([]*series, error) {
	var all []*series
	for _, sc := range c.scenarios {
		for _, t := range c.targets {
			all = append(all, &series{Scenario: sc, Target: t.name})
		}
	}
	for round := range c.rounds {
		if c.progress != nil {
			c.progress(round)
		}
		for i, sc := range c.scenarios {
			batches, err := valuesOf(sc.Bytes).batches(sc.Command, sc.Pipeline)
			if err != nil {
				return nil, err
			}
			for _, at := range order(len(c.targets), round) {
				t := c.targets[at]
				f, err := c.measure(ctx, t, sc, batches)
				if err != nil {
					return nil, fmt.Errorf("%s, %s: %w", t.name, sc, err)
				}
				s := all[i*len(c.targets)+at]
				s.Rounds = append(s.Rounds, f)
			}
		}
	}
	return all, nil
}

// order returns the numbers below n, rotated by the round, and backwards in every second turn of rotations.
func order(n, round int) []int {
	var at []int
	for i := range n {
		at = append(at, (i+round)%n)
	}
	if round/n%2 == 1 {
		slices.Reverse(at)
	}
	return at
}

func (c *comparison) measure(ctx context.Context, t *target, sc scenario, batches []batch) (figures, error) {
	meters := []*meter{{pid: t.pid}}
	if c.server != nil {
		meters = append(meters, &meter{pid: c.server.pid})
	}
	l := load{addr: t.addr, tls: t.tls, command: sc.Command, conns: c.conns, pipeline: sc.Pipeline, batches: batches}
	r, err := l.run(ctx, c.warmup, c.measured, func() error {
		for _, m := range meters {
			if err := m.sample(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return figures{}, err
	}
	if r.requests == 0 {
		return figures{}, fmt.Errorf("no reply in %s", c.measured)
	}
	f := figures{
		Requests: float64(r.requests) / r.elapsed.Seconds(),
		P50:      float64(r.latencies.quantile(0.50)),
		P99:      float64(r.latencies.quantile(0.99)),
		CPU:      float64(meters[0].used) / float64(r.requests),
	}
	if c.server != nil {
		f.ServerCPU = float64(meters[1].used) / float64(r.requests)
	}
	return f, nil
}

// meter measures the CPU time that a process used between its last two samples.
type meter struct {
	pid        int
	last, used time.Duration
}

func (m *meter) sample() error {
	now, err := servers.CPUTime(m.pid)
	m.used, m.last = now-m.last, now
	return err
}

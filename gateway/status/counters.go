package status

import (
	"math"
	"time"

	"evergate/gateway/api"
	"evergate/gateway/upstream"
	"evergate/gateway/worker"
)

// Counters are those of one service, over all workers.
type Counters struct {
	api.Counters
	// Longest is the longest wait of a request for a server since the snapshot before.
	Longest time.Duration
}

// CountersOf returns the counters of a service, of which the workers have open what open says. all are the counters of
// the workers: those of the service if it is the only one.
func CountersOf(open *worker.OfService, all *worker.Stats, only bool, h FailoverHistory) Counters {
	c := api.Counters{Clients: open.Clients, BufferedNow: open.Waiting, Failovers: h.Held, Switched: h.Switched,
		Kept: h.Kept}
	if !only {
		return Counters{Counters: c}
	}
	lost := uint64(0)
	for _, n := range all.ConnsLost {
		lost += n
	}
	return Counters{Counters: api.Counters{Clients: c.Clients, BufferedNow: c.BufferedNow, Failovers: c.Failovers,
		Switched: c.Switched, Kept: c.Kept, ToPrimaries: all.Requests[upstream.Primary],
		ToReplicas: all.Requests[upstream.Replica], OnDedicated: all.Requests[upstream.Dedicated], Local: all.Local,
		Requests: all.Commands(), Rejected: all.Refused, Uncertain: all.Uncertain, Retried: all.Retried,
		Errors: all.Refused + all.Uncertain, Buffered: all.Held, Resumed: all.HoldReleased, TimedOut: all.HoldExpired,
		Abandoned: all.HoldLeft, ConnectionsLost: lost}}
}

// Tally has those that show what a failover does to clients.
func (c *Counters) Tally() Tally {
	return Tally{Buffered: c.Buffered, Resumed: c.Resumed, TimedOut: c.TimedOut, Abandoned: c.Abandoned,
		Uncertain: c.Uncertain, Retried: c.Retried, Rejected: c.Rejected, Errors: c.Errors}
}

// Since returns the sample of the time since was; service is its name.
func (c *Counters) Since(was *Counters, elapsed time.Duration, service string) api.Point {
	// A sample may come late: it counts for one second. The first one is of a part of a second.
	rate := func(now, before uint64) float64 { return math.Round(float64(now-before) / max(elapsed.Seconds(), 1)) }
	return api.Point{Service: service, Requests: rate(c.Requests, was.Requests), Errors: rate(c.Errors, was.Errors),
		Uncertain: rate(c.Uncertain, was.Uncertain), Buffered: c.BufferedNow, Clients: c.Clients}
}

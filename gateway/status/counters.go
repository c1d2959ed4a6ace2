package status

import (
	"math"
	"time"

	"evergate/gateway/api"
	"evergate/gateway/latency"
	"evergate/gateway/upstream"
	"evergate/gateway/worker"
)

// CountersOf returns the counters of a service as the API shows them. recent are the times of its last seconds.
func CountersOf(s *worker.OfService, h FailoverHistory, recent *latency.Histogram) api.Counters {
	c := &s.Counts
	toPrimaries := c.Requests[upstream.Primary] + c.Requests[upstream.Acked]
	toReplicas, onDedicated := c.Requests[upstream.Replica], c.Requests[upstream.Dedicated]
	return api.Counters{Clients: s.Clients, Requests: toPrimaries + toReplicas + onDedicated + c.Local,
		ToPrimaries: toPrimaries, ToReplicas: toReplicas, OnDedicated: onDedicated, Local: c.Local,
		Errors: sum(c.Errors[:]), Rejected: c.Refused, Uncertain: c.Uncertain, Retried: c.Retried,
		BufferedNow: s.Waiting, Buffered: c.Held, Resumed: c.Released, TimedOut: c.Expired, Abandoned: c.Left,
		Failovers: h.Held, Switched: h.Switched, Kept: h.Kept, P50: quantile(recent, 0.5), P99: quantile(recent, 0.99),
		P999: quantile(recent, 0.999)}
}

func sum(counters []uint64) (n uint64) {
	for _, c := range counters {
		n += c
	}
	return n
}

// quantile is that of some times in microseconds; nil if there are none.
func quantile(h *latency.Histogram, q float64) *float64 {
	us, ok := h.Quantile(q)
	if !ok {
		return nil
	}
	us = math.Round(us*10) / 10
	return &us
}

// TallyOf has those counters that show what a failover does to clients.
func TallyOf(c *api.Counters) Tally {
	return Tally{Buffered: c.Buffered, Resumed: c.Resumed, TimedOut: c.TimedOut, Abandoned: c.Abandoned,
		Uncertain: c.Uncertain, Retried: c.Retried, Rejected: c.Rejected, Errors: c.Errors}
}

// PointOf returns the sample of a service between two states of it, and its counters in the second one. rounds are the
// times of the rounds of event loops.
func PointOf(service string, at, before *worker.OfService, rounds *latency.Histogram, elapsed time.Duration,
) (api.Point, api.Counters) {
	took := at.Took.Since(&before.Took)
	now := CountersOf(at, FailoverHistory{}, &took)
	was := CountersOf(before, FailoverHistory{}, &took)
	// A sample that comes some tenths of a second late counts for its second, so that no request is rounded away. One that
	// is later counts for as many as there are since the one before. The first one is of a part of a second.
	seconds := max(1, elapsed.Round(time.Second).Seconds())
	rate := func(now, before uint64) float64 { return math.Round(float64(now-before) / seconds) }
	acks := AcksOf(at, before)
	return api.Point{Service: service, Requests: rate(now.Requests, was.Requests), Errors: rate(now.Errors, was.Errors),
		Uncertain: rate(now.Uncertain, was.Uncertain), Buffered: now.BufferedNow, Clients: now.Clients,
		P50: now.P50, P99: now.P99, P999: now.P999, RoundP99: quantile(rounds, 0.99),
		Share: shareOf(since(at.Requests[upstream.Replica], before.Requests[upstream.Replica]),
			since(sum(at.OnPrimary[:]), sum(before.OnPrimary[:]))),
		AckP50: acks.P50, AckP99: acks.P99}, now
}

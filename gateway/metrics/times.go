package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"evergate/gateway/latency"
	"evergate/gateway/sessions"
	"evergate/routing"
)

// histogram is a metric whose bounds are the powers of two from 2^fastest to 2^slowest microseconds.
type histogram struct {
	desc             *prometheus.Desc
	fastest, slowest int
}

func histogramOf(name, help string, labels []string, fastest, slowest int) *histogram {
	return &histogram{prometheus.NewDesc(prefix+name, help, labels, nil), fastest, slowest}
}

var (
	requestTimes = histogramOf("request_duration_seconds",
		"Time from the arrival of a request, or its first wait for a server, to the reply of a server, by group of commands.",
		serviceLabels("group"), 6, 24) // 64 us to 16.8 s
	nodeTimes = histogramOf("node_request_duration_seconds",
		"Time from the sending of a request to the server to its reply.", serviceLabels("node", "operation"), 6, 24)
	bufferTimes = histogramOf("buffering_duration_seconds",
		"Time that requests waited for a server, by outcome.", serviceLabels("outcome"), 10, 26) // 1 ms to 67 s
	roundTimes = histogramOf("loop_round_duration_seconds",
		"Time of a round of an event loop, which the gateway adds to each request and each reply of the round.", nil,
		3, 20) // 8 us to 1 s
	ackTimes = histogramOf("ack_wait_duration_seconds",
		"Time until replicas confirmed the writes before a WAIT, or did not in time.", serviceLabels(), 6, 24)
)

func (h *histogram) made(of *latency.Histogram, labels ...string) prometheus.Metric {
	buckets := map[float64]uint64{}
	for power := h.fastest; power <= h.slowest; power++ {
		buckets[float64(uint64(1)<<power)/1e6] = of.Below(power)
	}
	return prometheus.MustNewConstHistogram(h.desc, of.Total(), float64(of.Sum)/1e6, buckets, labels...)
}

// operations are the labels of reads and of writes.
var operations = [2]string{"read", "write"}

// collectTimes writes the times of a service. Groups and operations without a time are left out; outcomes are not, so
// that the first request that waits is an increase.
func (s *Service) collectTimes(to chan<- prometheus.Metric) {
	for g, h := range s.Open.ByGroup {
		if h != nil {
			to <- requestTimes.made(h, s.Name, routing.Group(g).String())
		}
	}
	for i := range s.Nodes {
		for op, h := range s.ByNode[s.Nodes[i].Addr].Took {
			if h != nil && h.Total() > 0 {
				to <- nodeTimes.made(h, s.Name, s.Nodes[i].Addr, operations[op])
			}
		}
	}
	for end, h := range s.Open.Waited {
		if h == nil {
			h = &latency.Histogram{}
		}
		to <- bufferTimes.made(h, s.Name, sessions.HeldEnd(end).String())
	}
	if waits := s.Open.Acks.Waits; waits != nil {
		to <- ackTimes.made(waits, s.Name)
	}
}

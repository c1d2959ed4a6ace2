// Package series has a sample of each service for each second of the last hour. Begin with Series.
//
// It is pure: whoever takes the samples passes the second in. One goroutine at a time may use a Series.
package series

import (
	"math"

	"evergate/gateway/api"
)

// Series are the samples of all services, and their sum. New makes it.
type Series struct {
	// services are in the order of the newest sample, all is their sum.
	services []*line
	all      line
	// last is the Unix second of the newest sample, 0 before the first.
	last int64
}

// line is a ring of the samples of one service: that of a second is at the second modulo the length.
type line struct {
	service string
	points  [api.SeriesSeconds]sample
}

// sample is a point without its name, in less memory.
type sample struct {
	at                          int64 // the second; 0: none
	requests, errors, uncertain float32
	buffered, clients           int32
	p50, p99, p999, round       float32 // NaN: none, also of those below
	share, ackP50, ackP99       float32
}

// New returns Series without a sample, of the services with these names.
func New(names []string) *Series {
	s := &Series{}
	for _, name := range names {
		s.services = append(s.services, &line{service: name})
	}
	return s
}

// Add adds the samples of a second, which is later than all before: one of each service, then their sum. A service that
// had none before begins with it; what there is of one that has none now is forgotten.
func (s *Series) Add(second int64, points []api.Point) {
	services := make([]*line, 0, len(points)-1)
	for i := range points[:len(points)-1] {
		l := s.of(points[i].Service)
		l.add(second, &points[i])
		services = append(services, l)
	}
	s.all.add(second, &points[len(points)-1])
	s.services, s.last = services, second
}

// of returns the samples of a service; none for a new one.
func (s *Series) of(service string) *line {
	for _, l := range s.services {
		if l.service == service {
			return l
		}
	}
	return &line{service: service}
}

func (l *line) add(second int64, p *api.Point) {
	l.points[second%api.SeriesSeconds] = sample{at: second, requests: float32(p.Requests),
		errors: float32(p.Errors), uncertain: float32(p.Uncertain), buffered: int32(p.Buffered),
		clients: int32(p.Clients), p50: orNaN(p.P50), p99: orNaN(p.P99), p999: orNaN(p.P999),
		round: orNaN(p.RoundP99), share: orNaN(p.Share), ackP50: orNaN(p.AckP50), ackP99: orNaN(p.AckP99)}
}

func orNaN(v *float64) float32 {
	if v == nil {
		return float32(math.NaN())
	}
	return float32(*v)
}

// Last returns the samples of the newest seconds, at most so many, beginning with the first that there is.
func (s *Series) Last(seconds int) api.Series {
	from := s.last - int64(seconds) + 1
	for from < s.last && s.all.points[mod(from)].at != from {
		from++
	}
	if s.last == 0 {
		from = 1 // no sample
	}
	out := api.Series{From: from, Step: 1, All: s.all.from(from, s.last), Services: []api.Line{}}
	for _, of := range s.services {
		l := of.from(from, s.last)
		l.Service = of.service
		out.Services = append(out.Services, l)
	}
	return out
}

func mod(second int64) int64 {
	return (second%api.SeriesSeconds + api.SeriesSeconds) % api.SeriesSeconds
}

// from returns the samples of the seconds from first to last.
func (l *line) from(first, last int64) api.Line {
	n := max(0, int(last-first+1))
	out := api.Line{}
	all := []*api.Values{&out.Requests, &out.Errors, &out.Uncertain, &out.Buffered, &out.Clients, &out.P50, &out.P99,
		&out.P999, &out.RoundP99, &out.Share, &out.AckP50, &out.AckP99}
	for _, values := range all {
		*values = make(api.Values, n)
	}
	for i := range n {
		second := first + int64(i)
		p := &l.points[mod(second)]
		values := [...]float64{float64(p.requests), float64(p.errors), float64(p.uncertain), float64(p.buffered),
			float64(p.clients), rounded(p.p50, 10), rounded(p.p99, 10), rounded(p.p999, 10), rounded(p.round, 10),
			rounded(p.share, 1e4), rounded(p.ackP50, 10), rounded(p.ackP99, 10)}
		for k := range all {
			if p.at != second {
				values[k] = math.NaN()
			}
			(*all[k])[i] = values[k]
		}
	}
	return out
}

// rounded has as many decimal places as to is a power of ten, so that a number is as short in JSON as it was measured:
// one of a time in microseconds, four of a share.
func rounded(n float32, to float64) float64 { return math.Round(float64(n)*to) / to }

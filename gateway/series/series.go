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
	// lines are those of the services, and the sum behind them.
	lines []line
	names []string
	// last is the Unix second of the newest sample, 0 before the first.
	last int64
}

// line is a ring of the samples of one service: that of a second is at the second modulo the length.
type line struct {
	points [api.SeriesSeconds]sample
}

// sample is a point without its name, in less memory.
type sample struct {
	at                          int64 // the second; 0: none
	requests, errors, uncertain float32
	buffered, clients           int32
	p50, p99, p999              float32 // NaN: none
}

// New returns Series without a sample, of the services with these names.
func New(names []string) *Series {
	return &Series{lines: make([]line, len(names)+1), names: names}
}

// Names are those of the services.
func (s *Series) Names() []string { return s.names }

// Add adds the samples of a second, which is later than all before: one of each service, then their sum.
func (s *Series) Add(second int64, points []api.Point) {
	for i := range s.lines {
		p := &points[i]
		s.lines[i].points[second%api.SeriesSeconds] = sample{at: second, requests: float32(p.Requests),
			errors: float32(p.Errors), uncertain: float32(p.Uncertain), buffered: int32(p.Buffered),
			clients: int32(p.Clients), p50: orNaN(p.P50), p99: orNaN(p.P99), p999: orNaN(p.P999)}
	}
	s.last = second
}

func orNaN(v *float64) float32 {
	if v == nil {
		return float32(math.NaN())
	}
	return float32(*v)
}

// Last returns the samples of the newest seconds, at most so many, beginning with the first that there is.
func (s *Series) Last(seconds int) api.Series {
	sum := len(s.lines) - 1
	from := s.last - int64(seconds) + 1
	for from < s.last && s.lines[sum].points[mod(from)].at != from {
		from++
	}
	if s.last == 0 {
		from = 1 // no sample
	}
	out := api.Series{From: from, Step: 1, All: s.lines[sum].from(from, s.last), Services: []api.Line{}}
	for i, name := range s.names {
		l := s.lines[i].from(from, s.last)
		l.Service = name
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
		&out.P999}
	for _, values := range all {
		*values = make(api.Values, n)
	}
	for i := range n {
		second := first + int64(i)
		p := &l.points[mod(second)]
		values := [...]float64{float64(p.requests), float64(p.errors), float64(p.uncertain), float64(p.buffered),
			float64(p.clients), rounded(p.p50), rounded(p.p99), rounded(p.p999)}
		for k := range all {
			if p.at != second {
				values[k] = math.NaN()
			}
			(*all[k])[i] = values[k]
		}
	}
	return out
}

// rounded is a time in microseconds with one decimal place, as short in JSON as it was measured.
func rounded(us float32) float64 { return math.Round(float64(us)*10) / 10 }

package series

import (
	"encoding/json"
	"math"
	"testing"

	"evergate/gateway/api"
)

// points are those of two services and their sum in a second.
func points(n float64) []api.Point {
	p99, share := n+0.5, 0.9876
	return []api.Point{{Service: "cache", Requests: n, Clients: 3, Share: &share, AckP50: &p99},
		{Service: "queue", Requests: 10, P99: &p99}, {Requests: n + 10, Buffered: 2, Errors: 1}}
}

func TestMissingSecondsAreNull(t *testing.T) {
	s := New([]string{"cache", "queue"})
	const served = `"share_on_replicas":[],"ack_wait_p50_us":[],"ack_wait_p99_us":[]`
	if text, _ := json.Marshal(s.Last(60)); string(text) != `{"now":"0001-01-01T00:00:00Z","from":1,"step_seconds":1,`+
		`"all":{"service":"","requests":[],"errors":[],"uncertain":[],"buffered":[],"clients":[],"p50_us":[],"p99_us":[],`+
		`"p999_us":[],"round_p99_us":[],`+served+`},"services":[{"service":"cache","requests":[],"errors":[],"uncertain":[],`+
		`"buffered":[],"clients":[],"p50_us":[],"p99_us":[],"p999_us":[],"round_p99_us":[],`+served+`},{"service":"queue",`+
		`"requests":[],"errors":[],"uncertain":[],"buffered":[],"clients":[],"p50_us":[],"p99_us":[],"p999_us":[],`+
		`"round_p99_us":[],`+served+`}]}` {
		t.Errorf("without a sample: %s", text)
	}
	s.Add(1_800_000_000, points(1))
	s.Add(1_800_000_002, points(2))
	got := s.Last(60)
	text, _ := json.Marshal([]any{got.From, got.All.Requests, got.All.Buffered, got.Services[0].Clients,
		got.Services[1].P99, got.Services[1].Service, got.Services[0].Share, got.Services[0].AckP50, got.Services[0].AckP99})
	if string(text) != `[1800000000,[11,null,12],[2,null,2],[3,null,3],[1.5,null,2.5],"queue",[0.9876,null,0.9876],`+
		`[1.5,null,2.5],[null,null,null]]` {
		t.Errorf("%s", text)
	}
	if got := s.Last(1); got.From != 1_800_000_002 || len(got.All.Requests) != 1 || got.All.Errors[0] != 1 {
		t.Errorf("one second: %+v", got.All)
	}
}

func TestAnHourIsKept(t *testing.T) {
	s := New([]string{"cache", "queue"})
	const first = 1_800_000_000
	for i := range api.SeriesSeconds + 10 {
		s.Add(first+int64(i), points(float64(i)))
	}
	got := s.Last(api.SeriesSeconds)
	if got.From != first+10 || len(got.All.Requests) != api.SeriesSeconds || got.Services[0].Requests[0] != 10 {
		t.Errorf("from %d, %d samples, %v first", got.From, len(got.All.Requests), got.Services[0].Requests[0])
	}
	// After a long pause the ring has nothing but old seconds, which do not come back.
	s.Add(first+3*api.SeriesSeconds, points(7))
	if got := s.Last(api.SeriesSeconds); got.From != first+3*api.SeriesSeconds || len(got.All.Requests) != 1 {
		t.Errorf("after a pause: from %d, %d samples", got.From, len(got.All.Requests))
	}
	s.Add(first+3*api.SeriesSeconds+100, points(8))
	if got := s.Last(50); len(got.All.Requests) != 1 || math.IsNaN(got.All.Requests[0]) {
		t.Errorf("%v", got.All.Requests)
	}
}

// TestServicesComeAndGo: one that is added has samples from then on, one that is removed is forgotten, even if it comes
// back.
func TestServicesComeAndGo(t *testing.T) {
	s := New([]string{"cache", "queue"})
	const first = 1_800_000_000
	add := func(after int64, names ...string) {
		var all []api.Point
		for _, name := range names {
			all = append(all, api.Point{Service: name, Requests: float64(after)})
		}
		s.Add(first+after, append(all, api.Point{}))
	}
	add(1, "cache", "queue")
	add(2, "new", "queue")
	add(3, "new", "queue", "cache")
	var got []any
	for _, l := range s.Last(60).Services {
		got = append(got, l.Service, l.Requests)
	}
	text, _ := json.Marshal(got)
	if string(text) != `["new",[null,2,3],"queue",[1,2,3],"cache",[null,null,3]]` {
		t.Errorf("%s", text)
	}
}

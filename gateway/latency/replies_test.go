package latency

import (
	"strings"
	"testing"
	"time"
)

// lines are those of a reply without the lengths of texts.
func lines(b []byte) string {
	var words []string
	for _, line := range strings.Split(strings.TrimSpace(string(b)), "\r\n") {
		if line[0] != '$' {
			words = append(words, line)
		}
	}
	return strings.Join(words, " ")
}

func TestHistogramsAreRedisOwn(t *testing.T) {
	var h Histogram
	for _, us := range []uint32{0, 1, 3, 30, 33, 100, 1000, 2000, 4_000_000_000} {
		h.Add(us)
	}
	got := lines(AppendHistograms(nil, 3, []Command{{Name: "get", Times: h}, {Name: "config|get"}}))
	want := "%2 get %2 calls :9 histogram_usec %8 :1 :2 :4 :3 :33 :4 :66 :5 :132 :6 :1056 :7 :2113 :8 :4432406249 :9 " +
		"config|get %2 calls :0 histogram_usec %0"
	if got != want {
		t.Errorf("%s", got)
	}
	if got := lines(AppendHistograms(nil, 2, nil)); got != "*0" {
		t.Errorf("none: %s", got)
	}
}

func TestEvents(t *testing.T) {
	own := Event{Name: "failover"}
	own.Add(time.Unix(100, 0), 300*time.Millisecond)
	own.Add(time.Unix(200, 0), 150*time.Millisecond)
	theirs := []Event{{Name: "command", Samples: []Sample{{50, 7}}, Most: 70},
		{Name: "command", Samples: []Sample{{60, 8}}, Most: 60}, {Name: "hold"}}
	if got := lines(AppendLatest(nil, append(theirs, own))); got !=
		"*2 *4 command :60 :8 :70 *4 failover :200 :150 :300" {
		t.Errorf("%s", got)
	}
	if got := lines(AppendHistory(nil, []Sample{{9, 1}, {7, 2}, {8, 3}})); got != "*3 *2 :7 :2 *2 :8 :3 *2 :9 :1" {
		t.Errorf("%s", got)
	}
	graph := own.Graph(260)
	for _, want := range []string{"failover - high 300 ms, low 150 ms (all time high 300 ms)\n",
		"   2m40s ago  " + strings.Repeat("#", 40) + " 300 ms\n", "1m0s ago  " + strings.Repeat("#", 20) + " "} {
		if !strings.Contains(graph, want) {
			t.Errorf("%s lacks %q", graph, want)
		}
	}
	if got := Doctor([]Event{own}); got != "failover: 2 latency spikes (average 225 ms). Worst all time event 300 ms.\n" {
		t.Error(got)
	}
	if got := Doctor(theirs[2:]); !strings.HasPrefix(got, "No failover") {
		t.Error(got)
	}
}

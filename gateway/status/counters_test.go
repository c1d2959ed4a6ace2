package status

import (
	"testing"
	"time"

	"evergate/gateway/api"
	"evergate/gateway/latency"
)

func TestPointOfLateSamples(t *testing.T) {
	var none latency.Histogram
	for elapsed, want := range map[time.Duration]float64{
		300 * time.Millisecond: 737, time.Second: 737, 1400 * time.Millisecond: 737, 1600 * time.Millisecond: 369,
		4 * time.Second: 184,
	} {
		p := PointOf("a", &api.Counters{Requests: 1737}, &api.Counters{Requests: 1000}, &none, &none, elapsed)
		if p.Requests != want {
			t.Errorf("after %s: %v requests a second, want %v", elapsed, p.Requests, want)
		}
	}
}

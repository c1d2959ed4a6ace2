package status

import (
	"testing"
	"time"

	"evergate/gateway/latency"
	"evergate/gateway/worker"
)

func TestPointOfLateSamples(t *testing.T) {
	var none latency.Histogram
	var was, now worker.OfService
	was.Local, now.Local = 1000, 1737
	for elapsed, want := range map[time.Duration]float64{
		300 * time.Millisecond: 737, time.Second: 737, 1400 * time.Millisecond: 737, 1600 * time.Millisecond: 369,
		4 * time.Second: 184,
	} {
		p, _ := PointOf("a", &now, &was, &none, elapsed)
		if p.Requests != want {
			t.Errorf("after %s: %v requests a second, want %v", elapsed, p.Requests, want)
		}
	}
}

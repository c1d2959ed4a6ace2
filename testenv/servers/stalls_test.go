package servers

import (
	"testing"
	"time"
)

// TestStallsDoNotCount: a late turn of the recorder shows a stall, and only what of it lies in between is subtracted.
func TestStallsDoNotCount(t *testing.T) {
	began := time.Now().Add(-time.Hour) // Awake itself is a turn, which is late by an hour
	at := func(ms int) time.Time { return began.Add(time.Duration(ms) * time.Millisecond) }
	s := &Stalls{last: began}
	for _, ms := range []int{5, 11, 16, 1016, 1021, 1521} { // late by 1 ms, by 995 ms, by 495 ms
		s.turn(at(ms))
	}
	for _, c := range []struct{ from, to, awake int }{
		{0, 1521, 31}, {0, 16, 16}, {100, 200, 0}, {100, 1018, 2}, {1000, 1100, 10}, {1521, 1521, 0}, {1521, 1600, 5},
	} {
		if got := s.Awake(at(c.from), at(c.to)); got != at(c.awake).Sub(began) {
			t.Errorf("from %d to %d ms: awake for %v, want %d ms", c.from, c.to, got, c.awake)
		}
	}
}

package hedge

import (
	"testing"
	"time"

	"evergate/gateway/latency"
)

// TestDelayIsOfRecentReads: it is known after enough reads, follows them, and is never too short.
func TestDelayIsOfRecentReads(t *testing.T) {
	var d Delay
	var all latency.Histogram
	measure := func(us uint32, n int) time.Duration {
		for range n {
			all.Add(us)
		}
		d.Measure(&all)
		return d.After()
	}
	if got := measure(50_000, 10_000); got != 0 {
		t.Errorf("what was measured before counts: %v", got)
	}
	if got := measure(100, Samples-1); got != 0 {
		t.Errorf("after few reads: %v", got)
	}
	if got := measure(100, 1); got != Shortest {
		t.Errorf("fast reads: %v", got)
	}
	for range 20 {
		all.Add(8_000)
	}
	if got := measure(100, 980); got < 7*time.Millisecond || got > 9*time.Millisecond {
		t.Errorf("two in a hundred take 8 ms: %v", got)
	}
	if got := measure(100, Samples); got != Shortest {
		t.Errorf("they are fast again: %v", got)
	}
}

func take(b *Budget, most int) (n int) {
	for n < most && b.Take(1) {
		n++
	}
	return n
}

func TestBudgetIsAShareOfRecentReads(t *testing.T) {
	var b Budget
	const day = 24 * time.Hour // the clock may begin anywhere
	b.Turn(day, 0)
	if n := take(&b, 1000); n != Always {
		t.Errorf("%d without reads", n)
	}
	b.Turn(day+2*time.Second, 10_000)
	if n := take(&b, 1000); n != 10_000*Percent/100 {
		t.Errorf("%d of 10000 reads", n)
	}
	if b.Take(1) {
		t.Error("one more")
	}
	b.Turn(day+time.Duration(Seconds)*time.Second, 10_000) // the first ones are over
	if n := take(&b, 1000); n != Always {
		t.Errorf("%d when the first seconds are over", n)
	}
	b.Turn(day+time.Hour, 10_100)
	if n := take(&b, 1000); n != Always+100*Percent/100 {
		t.Errorf("%d after a long time", n)
	}
	b.Turn(day+time.Hour, 50)
	if b.Take(1) {
		t.Error("one more, since a service is gone")
	}
	b = Budget{}
	if b.Take(Always + 1) {
		t.Error("more at once than may be")
	}
}

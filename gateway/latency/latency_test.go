package latency

import (
	"math"
	"testing"
	"time"
)

func TestEachTimeIsInItsBucket(t *testing.T) {
	last := -1
	for us := uint32(0); us < 1<<16; us++ {
		at := int(BucketOf(us))
		if at != last && at != last+1 || lowest(at) > uint64(us) || lowest(at+1) <= uint64(us) {
			t.Fatalf("%d us is in bucket %d, from %d to %d; the one before was in %d", us, at, lowest(at), lowest(at+1), last)
		}
		last = at
	}
	if at := BucketOf(math.MaxUint32); at != Buckets-1 {
		t.Errorf("the longest time is in bucket %d of %d", at, Buckets)
	}
}

func TestQuantilesAndSums(t *testing.T) {
	var h, other Histogram
	if _, ok := h.Quantile(0.5); ok {
		t.Error("an empty histogram has a median")
	}
	for us := uint32(1); us <= 1000; us++ {
		h.Add(us)
	}
	for q, want := range map[float64]float64{0.5: 500, 0.99: 990, 0.999: 999, 1: 1024} {
		if got, ok := h.Quantile(q); !ok || math.Abs(got-want) > want*0.15 {
			t.Errorf("%v: %v, want about %v", q, got, want)
		}
	}
	earlier := h
	other.Add(1 << 20)
	h.Merge(&other)
	d := h.Since(&earlier)
	if h.Total() != 1001 || h.Sum != 500500+1<<20 || d.Total() != 1 || d.Sum != 1<<20 {
		t.Errorf("%d times of %d us, since then %d of %d us", h.Total(), h.Sum, d.Total(), d.Sum)
	}
	for power, want := range map[int]uint64{2: 3, 6: 63, 10: 1000, 20: 1000, 21: 1001, 32: 1001} {
		if got := h.Below(power); got != want {
			t.Errorf("below 2^%d us: %d, want %d", power, got, want)
		}
	}
}

func TestLongestIsForgotten(t *testing.T) {
	var r Recent
	at := func(ms int) time.Duration { return time.Duration(ms) * time.Millisecond }
	r.Note(at(5000), at(300))
	r.Note(at(5100), at(200))
	for ms, want := range map[int]int{5900: 300} {
		if got := r.Longest(at(ms)); got != at(want) {
			t.Errorf("at %d ms: %v", ms, got)
		}
	}
	if got := r.Longest(at(6500)); got != at(300) {
		t.Errorf("in the next second: %v", got)
	}
	r.Note(at(6600), at(10))
	if got := r.Longest(at(7700)); got != at(10) {
		t.Errorf("two seconds later: %v", got)
	}
	if got := r.Longest(at(20000)); got != 0 {
		t.Errorf("much later: %v", got)
	}
}

// TestSinceIsNeverLess: what is summed over workers may lack one of them.
func TestSinceIsNeverLess(t *testing.T) {
	var all, part Histogram
	all.Add(1)
	all.Add(9)
	part.Add(9)
	if d := part.Since(&all); d.Total() != 0 || d.Sum != 0 {
		t.Errorf("%d, %d us", d.Total(), d.Sum)
	}
}

package latency

import "testing"

// TestRecorderSums over services and workers.
func TestRecorderSums(t *testing.T) {
	sums := make([]*Histogram, 4)
	for range 2 {
		r := NewRecorder(2, 3)
		r.Record(0, 3, 5)
		r.Record(1, 3, 7)
		r.Record(1, 0, 9)
		r.AddTo(sums, 0)
		r.AddTo(sums, 1)
	}
	if sums[3].Total() != 4 || sums[3].Sum != 24 || sums[0].Total() != 2 || sums[1] != nil {
		t.Errorf("%v", sums)
	}
	r := NewRecorder(2, 3)
	r.Record(1, 0, 5)
	r.Record(1, 2, 7)
	r.Record(0, 2, 9)
	var all Histogram
	if r.SumTo(&all, 1); all.Total() != 2 || all.Sum != 12 {
		t.Errorf("of one service: %v", all)
	}
	r = NewRecorder(1, 1)
	if n := testing.AllocsPerRun(100, func() { r.Record(0, 1, 77) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

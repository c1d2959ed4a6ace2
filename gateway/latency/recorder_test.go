package latency

import "testing"

func record(r *Recorder, service int, command uint16, us uint32) {
	r.Record(service, command, BucketOf(us), us)
}

// TestRecorderSums over services and workers.
func TestRecorderSums(t *testing.T) {
	sums := make([]*Histogram, 4)
	for range 2 {
		r := NewRecorder(2, 3)
		record(&r, 0, 3, 5)
		record(&r, 1, 3, 7)
		record(&r, 1, 0, 9)
		r.AddTo(sums, 0)
		r.AddTo(sums, 1)
	}
	if sums[3].Total() != 4 || sums[3].Sum != 24 || sums[0].Total() != 2 || sums[1] != nil {
		t.Errorf("%v", sums)
	}
	r := NewRecorder(2, 3)
	record(&r, 1, 0, 5)
	record(&r, 1, 2, 7)
	record(&r, 0, 2, 9)
	if of := r.Of(1); of[0].Sum != 5 || of[1] != nil || of[2].Sum != 7 {
		t.Errorf("of one service: %v", of)
	}
	since := make([]*Histogram, 4)
	r.Reset(1)
	record(&r, 1, 2, 11)
	record(&r, 1, 3, 13)
	if r.AddTo(since, 1); since[0].Total() != 0 || since[2].Sum != 11 || since[3].Sum != 13 || r.Of(1)[2].Sum != 18 {
		t.Errorf("since the reset: %v", since)
	}
	r = NewRecorder(1, 1)
	if n := testing.AllocsPerRun(100, func() { record(&r, 0, 1, 77) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

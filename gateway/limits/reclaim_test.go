package limits

import (
	"testing"
	"time"
)

// TestReclaimIsRareInTheSteadyState: what a load needs is not collected again and again, and what a peak leaves is.
func TestReclaimIsRareInTheSteadyState(t *testing.T) {
	const mb = 1 << 20
	now := time.Unix(1000, 0)
	r := reclaimer{}
	step := func(held, clients int64) bool {
		now = now.Add(reclaimEvery)
		return r.due(held, clients, now)
	}
	if step(30*mb, 0) {
		t.Fatal("a small process collects")
	}
	if step(3900*mb, 2000*mb) {
		t.Fatal("what clients hold is collected")
	}
	if !step(2100*mb, 0) {
		t.Fatal("what clients held is not collected")
	}
	r.collected(600*mb, 0, now)
	if step(900*mb, 0) || step(1150*mb, 0) {
		t.Error("a heap that has not doubled is collected")
	}
	if !step(1300*mb, 50*mb) {
		t.Error("a heap that has doubled is not collected")
	}
	r.collected(600*mb, 0, now)
	if step(2000*mb, 0) {
		t.Error("two collections follow each other at once")
	}
	r.collected(600*mb, 480*mb, now)
	if step(600*mb, 400*mb) || step(610*mb, 390*mb) {
		t.Error("what is still kept for clients is collected")
	}
	if !step(140*mb, 0) {
		t.Error("what a collection within a peak took for needed stays")
	}
}

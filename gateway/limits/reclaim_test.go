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
	r.collected(600*mb, 600*mb, 0, now)
	if step(900*mb, 0) || step(1150*mb, 0) {
		t.Error("a heap that has not doubled is collected")
	}
	if !step(1300*mb, 50*mb) {
		t.Error("a heap that has doubled is not collected")
	}
	r.collected(600*mb, 600*mb, 0, now)
	if step(2000*mb, 0) {
		t.Error("two collections follow each other at once")
	}
	r.collected(600*mb, 600*mb, 480*mb, now)
	if step(600*mb, 400*mb) || step(610*mb, 390*mb) {
		t.Error("what is still kept for clients is collected")
	}
	if !step(140*mb, 0) {
		t.Error("what a collection within a peak took for needed stays")
	}
}

// TestReclaimComesBackAfterAPeak: a collection at the end of a peak finds bytes in use that nobody needs soon after,
// and nothing that is counted falls when they are let go.
func TestReclaimComesBackAfterAPeak(t *testing.T) {
	const mb = 1 << 20
	now := time.Unix(1000, 0)
	r := reclaimer{}
	step := func(held int64) bool {
		now = now.Add(reclaimRest)
		return r.due(held, 0, now)
	}
	if !step(480 * mb) {
		t.Fatal("a peak is not collected")
	}
	r.collected(480*mb, 77*mb, 0, now)
	if r.due(77*mb, 0, now.Add(reclaimRest-1)) {
		t.Error("two collections follow each other at once")
	}
	if !step(77 * mb) {
		t.Fatal("what was in use at the end of a peak stays")
	}
	r.collected(77*mb, 30*mb, 0, now)
	if !step(30 * mb) {
		t.Fatal("a collection that gave much back is the last one")
	}
	r.collected(30*mb, 29*mb, 0, now)
	if step(29*mb) || step(30*mb) {
		t.Error("a process that has given back what it can collects again")
	}
}

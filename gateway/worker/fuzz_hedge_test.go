package worker_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"evergate/gateway/session"
)

// fuzzHedge are the ways in which reads are hedged.
var fuzzHedge = [...]session.Hedge{{After: 5 * time.Millisecond}, {P99: true}}

// hedgeSeeds is how many inputs of lateServers there are.
const hedgeSeeds = 100

// lateServers is an input in which replicas answer reads late, or with anything, or their connections end, while the
// reads are sent to others as well.
func lateServers(seed uint64) (in []byte) {
	r := rand.New(rand.NewPCG(seed, 4))
	var reads []byte // numbers of sentences
	for i, s := range sentences {
		if strings.HasPrefix(s, "*2\r\n$3\r\nGET") && len(s) < 100 {
			reads = append(reads, byte(i))
		}
	}
	any := func() byte { return byte(r.Uint32()) }
	const preferReplica, view, whole, dialled, asks, time, serves, replies, ends, leaves = 1, 8, 14, 5, 2, 9, 12, 26, 7, 20
	in = append(in, preferReplica, view, 0, 0, 0, 0, whole)
	for range 6 {
		in = append(in, dialled, any())
	}
	in = append(in, whole)
	for range 4 + r.IntN(8) {
		for range 1 + r.IntN(3) {
			in = append(in, asks, any(), reads[r.IntN(len(reads))])
		}
		in = append(in, whole, time, 1, whole)
		switch r.IntN(8) {
		case 0:
			in = append(in, ends, any(), 0)
		case 1:
			in = append(in, leaves, any(), 0)
		case 2:
			in = append(in, view, byte(r.IntN(3)))
		case 3:
			in = append(in, replies, any(), any())
		}
		for range r.IntN(5) {
			in = append(in, serves, any())
		}
		in = append(in, whole, dialled, any())
	}
	for len(in)/8%3 != 0 || len(in)%3 != 1 { // see newFuzzed
		in = append(in, whole)
	}
	return in
}

// TestSeedsHedge: the inputs of lateServers do what they are for.
func TestSeedsHedge(t *testing.T) {
	views := fuzzViews(t)
	won, lost := uint64(0), uint64(0)
	for i := range uint64(hedgeSeeds) {
		z := newFuzzed(t, views, lateServers(i))
		for len(z.in) > 0 {
			z.act(z.byte())
		}
		z.settle()
		s := z.Worker.Stats().Hedges
		won, lost = won+s.Won, lost+s.Lost
	}
	if won < 20 || lost < 20 {
		t.Errorf("%d hedges were won, %d lost", won, lost)
	}
}

package worker_test

import (
	"math/rand/v2"
	"strings"
)

// slowSeeds is how many inputs of slowServers there are: enough to find that requests which were offered to a loop and
// taken back are followed by others on the same connection (testdata/taken_back_role_again.txt).
const slowSeeds = 100

// slowServers is an input in which servers take some requests and none of the next, while they lose their role and get
// it back.
func slowServers(seed uint64) (in []byte) {
	r := rand.New(rand.NewPCG(seed, 3))
	var requests []byte // numbers of sentences that are one request for a key
	for i, s := range sentences {
		if strings.Contains(s, "foo") && strings.Count(s, "\r\n") < 9 && !strings.Contains(s, "SUBSCRIBE") {
			requests = append(requests, byte(i))
		}
	}
	any := func() byte { return byte(r.Uint32()) }
	const whole, nothing, dialled = 14, 254, 5
	views := [][]byte{{0, 1, 2, 6, 9}, {3, 4, 5, 10, 11}}[r.IntN(2)] // of fuzzViews: plain, or a cluster
	asks := func() { in = append(in, 2, any(), requests[r.IntN(len(requests))]) }
	in = append(in, byte(r.IntN(2)), 8, views[0])
	for range 3 + r.IntN(4) {
		in = append(in, 0)
	}
	for range 2 + r.IntN(4) {
		asks()
		in = append(in, whole, dialled, any(), dialled, any(), whole, whole) // sent
		asks()
		in = append(in, nothing) // offered
		for range 1 + r.IntN(3) {
			if r.IntN(2) == 0 {
				in = append(in, 8, views[r.IntN(len(views))], nothing)
			}
			if r.IntN(3) == 0 {
				in = append(in, 20, any(), 0) // a client leaves, another comes
			}
		}
		in = append(in, 8, views[0], nothing)
		asks()
		in = append(in, whole, 10, any(), any(), whole)
	}
	if len(in)%2 == r.IntN(2) { // see newFuzzed
		in = append(in, whole)
	}
	return in
}

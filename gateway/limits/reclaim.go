// Package limits bounds what the clients of all workers take together, where that is not a worker's own business: how
// many clients an address has (Addresses), and the memory of a peak (Reclaim). It knows no requests and no servers.
package limits

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// Go's collector runs when the heap has grown, and otherwise every two minutes: after an attack or a peak its memory
// would stay with the process for minutes, in a container that other processes share. So the gateway looks how much it
// holds beyond what it needed after the last collection, and collects when that is a lot. While clients come and go and
// small requests are served the heap grows no more than Go lets it, and nothing is done.

const (
	// reclaimEvery is how often it looks, reclaimRest the least time between two collections.
	reclaimEvery = 5 * time.Second
	reclaimRest  = 10 * time.Second
	// reclaimBytes is the least that is worth a collection.
	reclaimBytes = 32 << 20
)

// reclaimer decides when to collect.
type reclaimer struct {
	needed  int64 // after the last collection, without what was kept for clients; 0: not known
	clients int64 // that was kept for them then
	at      time.Time
	// unsettled: the last collection gave much back, so it fell into a peak or at its end, and what it found in use then
	// may not be needed any more. Another one follows, until one gives little back.
	unsettled bool
}

// due reports whether a process that holds so many bytes, some of them for clients, should collect now.
func (r *reclaimer) due(held, clients int64, now time.Time) bool {
	spare := held - clients - r.needed
	fell := r.clients - clients // one within a peak found more in use than is needed after it
	return (r.unsettled || spare >= max(reclaimBytes, r.needed+clients) || fell >= max(reclaimBytes, r.clients/2)) &&
		now.Sub(r.at) >= reclaimRest
}

// collected records what the process held before a collection and holds after it.
func (r *reclaimer) collected(before, held, clients int64, now time.Time) {
	r.needed, r.clients, r.at = max(0, held-clients), clients, now
	r.unsettled = before-held >= reclaimBytes
}

// Reclaim gives memory back to the system until ctx ends. clients returns how many bytes are kept for clients.
func Reclaim(ctx context.Context, clients func() int64) {
	tick := time.NewTicker(reclaimEvery)
	defer tick.Stop()
	var r reclaimer
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			if before := heldMemory(); r.due(before, clients(), now) {
				debug.FreeOSMemory()
				r.collected(before, heldMemory(), clients(), now)
			}
		}
	}
}

// heldMemory is how many bytes the process has from the system, as far as Go knows.
func heldMemory() int64 {
	sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64() - sample[1].Value.Uint64())
}

package sim

import (
	"testing"

	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/gateway/worker"
)

// TestListeners plays worlds in which clients subscribe and publish, in each with and without CloseOnGap.
func TestListeners(t *testing.T) {
	tellsOfMany(t)
	seeds := uint64(2 * len(worlds))
	if testing.Short() {
		seeds = uint64(len(worlds))
	}
	var sum worker.Stats
	for seed := *first; seed < *first+seeds; seed++ {
		o := optionsOf(seed)
		o.Listeners, o.CloseOnGap = true, seed/uint64(len(worlds))%2 == 1
		w := playRight(t, o)
		for _, g := range w.gates {
			sum.Add(g.Worker.Stats())
		}
	}
	for name, n := range map[string]uint64{
		"subscriptions": sum.Subscriptions, "gaps": sum.Gaps, "delivered": sum.Delivered,
		"on feeds": sum.Requests[upstream.Subscription], "closed": sum.ClientsClosed[session.Gap],
		"parked": sum.BlockedFor[wait.Subscribing],
	} {
		if t.Logf("%s: %d", name, n); n == 0 {
			t.Errorf("%s: none", name)
		}
	}
}

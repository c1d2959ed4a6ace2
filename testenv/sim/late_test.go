package sim

import (
	"testing"

	"evergate/testenv/sim/ledger"
	"evergate/testenv/sim/scenario"
)

// lateOptionsOf is a world in which servers execute late what was sent to them on connections that the gateway has
// lost, while it goes on with others.
func lateOptionsOf(seed uint64) scenario.Options {
	o := scenario.Options{Seed: seed, Voice: scenario.Voice(1 + seed%2), Strands: true, Wide: seed%3 > 0}
	o.BlockingLost = scenario.BlockingLost(seed % uint64(scenario.BlockingLosts))
	if seed%5 == 1 {
		o.Acks = acksOf(seed / 5)
	}
	return o
}

// TestLateBytes looks that no write runs behind what was sent after it was answered UNCERTAIN.
func TestLateBytes(t *testing.T) {
	tellsOfMany(t)
	uncertain, ended := 0, 0
	for seed := *first; seed < *first+8; seed++ {
		w := playRight(t, lateOptionsOf(seed))
		for _, r := range w.Ledger.Requests {
			if r.State == ledger.Uncertain {
				uncertain++
			}
		}
		ended += w.Ended
	}
	t.Logf("%d writes uncertain; %d connections with bytes in them ended on open ones", uncertain, ended)
	if uncertain == 0 || ended == 0 {
		t.Error("nothing was late")
	}
}

package sim

import (
	"testing"

	"evergate/gateway/wait"
	"evergate/gateway/worker"
	"evergate/testenv/sim/ledger"
	"evergate/testenv/sim/scenario"
)

// TestWideWorlds looks that clients of wide worlds do what others do not.
func TestWideWorlds(t *testing.T) {
	tellsOfMany(t)
	var sum worker.Stats
	acknowledged := map[ledger.Kind]int{}
	elements, scanned, pages, served, rejected := 0, 0, 0, 0, 0
	for seed := range uint64(2 * len(worlds)) {
		o := optionsOf(seed)
		o.Wide = !o.Planned
		o.BlockingLost = scenario.BlockingLost(seed % uint64(scenario.BlockingLosts))
		w := playWorld(o)
		if w.Ledger.Fault != "" {
			t.Fatalf("seed %d: %s", seed, w.Ledger.Fault)
		}
		for _, g := range w.gates {
			sum.Add(g.Worker.Stats())
		}
		scanned, pages = scanned+w.Ledger.Scanned, pages+w.Ledger.Pages
		for _, r := range w.Ledger.Requests {
			switch {
			case r.Facade != ledger.Replica:
			case r.State == ledger.Acknowledged:
				served++
			case r.State == ledger.Refused:
				rejected++
			}
			if r.State == ledger.Acknowledged {
				acknowledged[r.Kind]++
			}
			if r.Kind == ledger.Block && r.Writes() {
				elements++
			}
		}
	}
	for name, n := range map[string]int{
		"EVAL": acknowledged[ledger.Script], "EVALSHA": acknowledged[ledger.NamedScript],
		"SELECT": acknowledged[ledger.Select], "BLPOP": acknowledged[ledger.Block], "SCAN": acknowledged[ledger.Scan],
		"waited for their own blocking command": int(sum.BlockedFor[wait.Blocked]),
		"waited until replies were read":        int(sum.BlockedFor[wait.OwedTooMuch]),
		"pops put again":                        int(sum.PopsRetried),
		"elements given":                        elements,
		"CLUSTER SLOTS":                         acknowledged[ledger.Slots],
		"served by a replica":                   served,
		"rejected by a replica":                 rejected,
		"whole scans":                           scanned,
		"pages behind the first":                pages - scanned,
		"RPUSH":                                 acknowledged[ledger.Push],
	} {
		if t.Logf("%s: %d", name, n); n == 0 {
			t.Errorf("%s: none", name)
		}
	}
}

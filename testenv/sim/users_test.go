package sim

import (
	"testing"

	"evergate/gateway/session"
	"evergate/testenv/sim/ledger"
)

// TestUsers plays worlds whose users change, and looks that everything happens in them.
func TestUsers(t *testing.T) {
	tellsOfMany(t)
	denied, acknowledged := map[ledger.Kind]int{}, map[ledger.Kind]int{}
	closed, held, seeds := uint64(0), 0, 12
	for seed := *first; seeds > 0; seed += 2 {
		o := wideOptionsOf(seed)
		if o.Planned {
			continue
		}
		seeds--
		o.Users, o.Wide, o.Listeners = true, true, seeds%2 == 0
		w := playRight(t, o)
		held += w.reloadsHeld
		for _, g := range w.gates {
			closed += g.Worker.Stats().ClientsClosed[session.UserGone]
		}
		for _, r := range w.Ledger.Requests {
			switch {
			case r.Denied:
				denied[r.Kind]++
			case r.State == ledger.Acknowledged:
				acknowledged[r.Kind]++
			}
		}
	}
	if t.Logf("closed since their users were gone: %d, reloads in failovers: %d", closed, held); closed == 0 || held == 0 {
		t.Error("no client was closed since its user was gone, or no users changed in a failover")
	}
	for _, kind := range []ledger.Kind{ledger.Set, ledger.GetRange, ledger.Mget, ledger.Mset, ledger.Del, ledger.Module,
		ledger.Watch, ledger.Queueing, ledger.Execute, ledger.Script, ledger.NamedScript, ledger.Block, ledger.Push,
		ledger.Auth, ledger.Hello, ledger.Listen} {
		t.Logf("%v: %d denied, %d not", kind, denied[kind], acknowledged[kind])
		if denied[kind] == 0 || acknowledged[kind] == 0 {
			t.Errorf("all %vs were denied, or none", kind)
		}
	}
	if acknowledged[ledger.Reset] == 0 {
		t.Error("no client reset its connection")
	}
}

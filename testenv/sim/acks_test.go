package sim

import (
	"testing"
	"time"

	"evergate/gateway/acks"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
	"evergate/gateway/wait"
	"evergate/gateway/worker"
	"evergate/testenv/sim/ledger"
	"evergate/testenv/sim/scenario"
)

// ackedOptionsOf is a world in which replicas must confirm writes.
func ackedOptionsOf(seed uint64) scenario.Options {
	o := scenario.Options{Seed: seed, Voice: scenario.Sentinels}
	switch seed % 4 {
	case 1:
		o.Voice = scenario.Bus
	case 3:
		o.Voice, o.Cluster, o.Async = scenario.Oracle, seed%8 == 3, true
	}
	o.Acks = acksOf(seed / 4)
	if seed%5 == 2 {
		o.Reads, o.Consistency = session.PreferReplica, session.Gateway
	}
	return o
}

// acksOf draws how writes are confirmed.
func acksOf(seed uint64) acks.Terms {
	timeout := 100 * time.Millisecond << (seed / uint64(len(levels)) % 4)
	return acks.Terms{Level: levels[seed%uint64(len(levels))], Timeout: timeout}
}

// TestAcks plays worlds in which replicas must confirm writes, and looks that everything happens in them.
func TestAcks(t *testing.T) {
	tellsOfMany(t)
	var sum worker.Stats
	var counts sessions.Counts
	states := map[string]int{}
	outlived, seeds := 0, uint64(24)
	for seed := *first; seed < *first+seeds; seed++ {
		o := ackedOptionsOf(seed)
		o.Wide, o.Reloads = seed%2 == 0, seed%3 == 0
		w := playRight(t, o)
		for _, g := range w.gates {
			sum.Add(g.Worker.Stats())
			snapshot := g.Worker.Snapshot()
			counted := snapshot.Counted()
			counts.Add(&counted)
		}
		for _, r := range w.Ledger.Requests {
			if r.Writes() {
				states[ledger.StateNames[r.State]]++
			}
		}
		outlived += w.outlived
	}
	t.Logf("writes: %v, %d confirmed, %d not, %d outlived their primary", states, counts.Acks.Confirmed,
		counts.Acks.Unconfirmed, outlived)
	for name, n := range map[string]int{
		"acknowledged": states["acknowledged"], "uncertain": states["uncertain"], "refused": states["refused"],
		"confirmed": int(counts.Acks.Confirmed), "not confirmed": int(counts.Acks.Unconfirmed),
		"rejected for lack of replicas":     int(counts.Acks.Lacking),
		"waited for replicas to come":       int(sum.BlockedFor[wait.LacksReplicas]),
		"confirmed by all and in a new one": outlived,
		"confirmed together":                int(sum.AckWrites) - int(sum.AckRounds),
	} {
		if n <= 0 {
			t.Errorf("%s: none", name)
		}
	}
}

// waitingOptionsOf is a world in which clients ask how many replicas have what they have written.
func waitingOptionsOf(seed uint64) scenario.Options {
	return scenario.Options{Seed: seed, Voice: scenario.Voice(1 + seed%2), OwnWait: true, Strands: seed%4 > 1}
}

// TestOwnWait looks that the replies to WAIT are true while connections break and servers are promoted.
func TestOwnWait(t *testing.T) {
	tellsOfMany(t)
	asked, confirmed := 0, 0
	for seed := *first; seed < *first+8; seed++ {
		w := playRight(t, waitingOptionsOf(seed))
		for _, r := range w.Ledger.Requests {
			if r.Kind == ledger.Wait && r.State == ledger.Acknowledged {
				asked++
			}
		}
		confirmed += w.Ledger.Confirmations
	}
	if t.Logf("%d of %d confirmed", confirmed, asked); confirmed < 20 || asked-confirmed < 20 {
		t.Error("few were confirmed, or nearly all")
	}
}

package decide

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"evergate/topology"
)

// TestRandomHistories feeds arbitrary observations in any order, and checks the invariants.
func TestRandomHistories(t *testing.T) {
	for mode, seeds := range map[Mode]uint64{BySentinel: 400, Plain: 200, ByCluster: 5} {
		for seed := range seeds {
			t.Run(fmt.Sprintf("mode %d seed %d", mode, seed), func(t *testing.T) { randomHistory(t, mode, seed) })
		}
	}
}

func randomHistory(t *testing.T, mode Mode, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, uint64(mode)))
	names := []string{"a:1", "b:1", "c:1", "d:1", ":9", "?:1", "::1:7"}
	s := New(Settings{Mode: mode, Shard: "main", Sentinels: []string{"s0", "s1"}, Seeds: names[:2],
		Primary: "a:1", Replicas: names[3 : 3+rng.IntN(2)], RefreshEvery: 3 * time.Second, Barrier: rng.IntN(2) > 0,
		ConfirmMajority: rng.IntN(4) == 0, FenceMinority: rng.IntN(2) == 0})
	now, last := beginning, (*topology.View)(nil)
	ids := map[string]topology.NodeID{}
	overruled := false // until the View that follows
	for range 200 {
		now = now.Add(time.Duration(rng.IntN(400)) * time.Millisecond)
		o := randomObservation(rng, names)
		if rng.IntN(8) == 0 && last != nil {
			o = topology.Settled{Epoch: last.Epoch - rng.Uint64N(2)}
		}
		effects, events := s.Step(o, now)
		for _, e := range events {
			overruled = overruled || e.Kind == Alarm && e.Subject == "sentinels"
			if e.String() == "" || len(e.Pairs())%2 != 0 {
				t.Fatalf("event %+v tells nothing", e)
			}
		}
		published := 0
		for _, e := range effects {
			p, ok := e.(Publish)
			if !ok {
				continue
			}
			if published++; published > 1 {
				t.Fatal("two views in a step")
			}
			checkView(t, p.View, last, ids)
			if last != nil && mode != ByCluster && s.settings.Barrier {
				checkStep(t, &p.View.Shards[0], &last.Shards[0])
			}
			if mode == BySentinel && last != nil && !overruled &&
				p.View.Shards[0].ConfigEpoch < last.Shards[0].ConfigEpoch {
				t.Fatalf("epoch %d after %d without a majority", p.View.Shards[0].ConfigEpoch,
					last.Shards[0].ConfigEpoch)
			}
			overruled = overruled && p.View.Shards[0].Primary == nil
			last = p.View
		}
	}
}

// checkStep: with workers, another primary comes only after a View that demotes the one before it.
func checkStep(t *testing.T, now, last *topology.Shard) {
	t.Helper()
	if now.Primary != nil && last.Primary != nil && now.Primary.ID != last.Primary.ID {
		t.Fatalf("%s follows %s in one step", now.Primary.Addr, last.Primary.Addr)
	}
	if now.Demoted != nil && now.Demoted.ID != last.Standing().ID {
		t.Fatalf("%s is left, but %s was primary", now.Demoted.Addr, last.Standing().Addr)
	}
}

func checkView(t *testing.T, v, last *topology.View, ids map[string]topology.NodeID) {
	t.Helper()
	if last == nil && v.Epoch != 1 || last != nil && (v.Epoch != last.Epoch+1 || v.Same(last)) {
		t.Fatalf("view %d is no step", v.Epoch)
	}
	for id, n := range v.Nodes {
		if n == nil {
			continue
		}
		if known, ok := ids[n.Addr]; int(n.ID) != id || ok && known != n.ID {
			t.Fatalf("node %s has id %d at %d, was %d", n.Addr, n.ID, id, known)
		}
		ids[n.Addr] = n.ID
	}
	if len(v.Shards) == 0 {
		t.Fatal("no shard")
	}
	for i, shard := range v.Shards {
		stands := shard.Standing()
		if shard.Index != i || stands == nil || v.Nodes[stands.ID] != stands {
			t.Fatalf("shard %d: %+v", i, shard)
		}
		if (shard.Primary == nil) != (shard.Demoted != nil) || shard.Demoted == nil && shard.Successor != nil ||
			(shard.Demoted != nil) != (shard.Condition == topology.Switching) || shard.Demoted == nil && shard.Fence != "" {
			t.Fatalf("shard %d is neither held nor not: %+v", i, shard)
		}
		for _, r := range shard.Replicas {
			// An unconfirmed primary serves reads while it is held, if there is no replica.
			held := shard.Demoted != nil && shard.Successor == nil && len(shard.Replicas) == 1
			if r == stands && !held || v.Nodes[r.ID] != r {
				t.Fatalf("shard %d: replica %+v", i, r)
			}
		}
	}
	for slot := range topology.Slots {
		if shard := v.Shard(slot); shard != nil && shard != &v.Shards[shard.Index] {
			t.Fatalf("slot %d is nobody's", slot)
		}
	}
}

func randomObservation(rng *rand.Rand, names []string) topology.Observation {
	name := func() string { return names[rng.IntN(4)] }
	odd := func() string { return names[rng.IntN(len(names))] }
	sentinel := fmt.Sprintf("s%d", rng.IntN(3))
	switch rng.IntN(10) {
	case 0:
		return topology.SentinelReport{Sentinel: sentinel, Primary: name(), ConfigEpoch: rng.Uint64N(4),
			Quorum: 2, Sentinels: 3,
			Down: topology.DownFlags(rng.IntN(4)), FailingOver: rng.IntN(4) == 0, DownAfter: time.Second,
			Replicas: []topology.SentinelReplica{{Addr: name(), LinkUp: rng.IntN(4) > 0, Priority: 1}}}
	case 1:
		return topology.SentinelLost{Sentinel: sentinel, Why: "x"}
	case 2:
		return randomMessage(rng, sentinel, name)
	case 3:
		return topology.NodeLost{Addr: name(), Why: "x"}
	case 4:
		return topology.Report{Kind: topology.ReportKind(rng.IntN(4)), Node: topology.NodeID(rng.IntN(9) - 1),
			Slot: rng.IntN(topology.Slots+2) - 1, Addr: odd()}
	case 5:
		first := rng.IntN(topology.Slots)
		return topology.SlotsSeen{Asked: name(), HasEpochs: rng.IntN(2) > 0, Shards: []topology.ShardSeen{
			{Slots: []topology.SlotRange{{First: 0, Last: first}},
				Primary: topology.MemberSeen{Addr: name(), Healthy: true}, Epoch: rng.Uint64N(4)},
			{Slots: []topology.SlotRange{{First: first, Last: topology.Slots - 1}},
				Primary:  topology.MemberSeen{Addr: odd(), Healthy: rng.IntN(2) > 0},
				Replicas: []topology.MemberSeen{{Addr: name(), Healthy: true}}, Epoch: rng.Uint64N(4)}}}
	case 6:
		return topology.Resolved{Name: odd(), Addrs: []string{name()}}
	case 7:
		return topology.Tick{}
	}
	histories := []string{"", "A", "B", "C"}
	return topology.RoleSeen{Addr: name(), Role: topology.Role(rng.IntN(3)), LinkUp: true, Priority: rng.IntN(2),
		Primary: odd(),
		RunID:   histories[rng.IntN(4)], ReplID: histories[rng.IntN(4)], ReplID2: histories[rng.IntN(4)],
		Offset: rng.Int64N(100), SecondOffset: rng.Int64N(100), Acked: rng.Uint64N(9),
		Version: []string{"", "7.0.15", "6.2.1"}[rng.IntN(3)], Replicas: []string{name()}, Silent: rng.IntN(2)}
}

func randomMessage(rng *rand.Rand, sentinel string, name func() string) topology.SentinelMessage {
	ip := func() string { host, _ := topology.SplitAddr(name()); return host + " 1" }
	channels := []string{"+switch-master", "+odown", "+try-failover", "+selected-slave", "-failover-abort-not-elected",
		"+sdown", "-odown", "+promoted-slave", "+sentinel"}
	m := topology.SentinelMessage{Sentinel: sentinel, Channel: channels[rng.IntN(len(channels))]}
	switch m.Channel {
	case "+switch-master":
		m.Payload = "main " + ip() + " " + ip()
	case "+selected-slave", "+promoted-slave":
		m.Payload = "slave x " + ip() + " @ main " + ip()
	case "+sentinel":
		m.Payload = "sentinel x " + ip() + " @ main " + ip()
	default:
		m.Payload = "master main " + ip()
	}
	return m
}

func TestVersionLess(t *testing.T) {
	for _, c := range []struct {
		a, b string
		less bool
	}{{"7.0.15", "7.2.0", true}, {"7.2.0", "7.0.15", false}, {"9.0.0", "10.0.0", true}, {"7.0", "7.0.1", true},
		{"7.0", "7.0", false}, {"", "1", true}, {"x", "y", false}} {
		if versionLess(c.a, c.b) != c.less {
			t.Errorf("versionLess(%q, %q) is not %v", c.a, c.b, c.less)
		}
	}
}

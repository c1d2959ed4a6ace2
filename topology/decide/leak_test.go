package decide

import (
	"fmt"
	"testing"
	"time"

	"evergate/topology"
)

// TestManyFailoversLeaveNothing: what State keeps does not grow with the number of failovers.
func TestManyFailoversLeaveNothing(t *testing.T) {
	s := New(Settings{Mode: BySentinel, Shard: "main", Sentinels: []string{"s1"}, Barrier: true})
	now := beginning
	step := func(o topology.Observation) {
		now = now.Add(10 * time.Millisecond)
		s.Step(o, now)
	}
	names := []string{"a:1", "b:1"}
	step(topology.SentinelReport{Sentinel: "s1", Primary: "a:1", ConfigEpoch: 1, Sentinels: 1,
		Replicas: []topology.SentinelReplica{{Addr: "b:1", LinkUp: true, Priority: 1}}})
	step(topology.RoleSeen{Addr: "a:1", Role: topology.RolePrimary, ReplID: "h0", Acked: 0})
	step(topology.RoleSeen{Addr: "b:1", Role: topology.RoleReplica, LinkUp: true, Priority: 1, Primary: "a:1",
		ReplID: "h0"})
	for n := 1; n <= 200; n++ {
		old, next := names[(n+1)%2], names[n%2]
		for polls := range 3 {
			step(topology.RoleSeen{Addr: old, Role: topology.RolePrimary, ReplID: fmt.Sprint("h", n-1),
				Offset: int64(100*n + polls),
				Acked:  uint64(10*n + polls)})
		}
		step(topology.SentinelMessage{Sentinel: "s1", Channel: "+try-failover", Payload: "master main " + old[:1] + " 1"})
		step(topology.Settled{Epoch: s.view.Epoch})
		step(topology.NodeLost{Addr: old, Why: "timeout"})
		step(topology.SentinelReport{Sentinel: "s1", Primary: next, ConfigEpoch: uint64(n + 1), Sentinels: 1,
			Replicas: []topology.SentinelReplica{{Addr: old, LinkUp: true, Priority: 1}}})
		step(topology.RoleSeen{Addr: next, Role: topology.RolePrimary, ReplID: fmt.Sprint("h", n),
			ReplID2:      fmt.Sprint("h", n-1),
			SecondOffset: int64(100*n + 50)})
		step(topology.Tick{})
		if p := s.view.Shards[0].Primary; p == nil || p.Addr != next {
			t.Fatalf("failover %d: %s", n, picture(s.view))
		}
	}
	records, eras := 0, 0
	for _, e := range s.eras {
		for ; e != nil; e = e.before {
			eras++
			records += len(e.records)
		}
	}
	if len(s.eras) != 1 || eras > erasMax || records > 3*erasMax+1 || len(s.failovers)+len(s.unconfirmed) > 0 ||
		len(s.nodes.byID) != 2 || len(s.alarms) > 4 {
		t.Errorf("%d eras of %d primaries with %d records, %d failovers, %d unconfirmed, %d nodes, %d alarms", eras,
			len(s.eras), records, len(s.failovers), len(s.unconfirmed), len(s.nodes.byID), len(s.alarms))
	}
}

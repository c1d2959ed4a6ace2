package summary

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"evergate/gateway/api"
	"evergate/testenv/golden"
)

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

func ptr[T any](v T) *T { return &v }

// compare compares lines with a file of testdata.
func compare(t *testing.T, name string, lines []string) {
	t.Helper()
	golden.File(t, filepath.Join("testdata", name+".txt"), strings.Join(lines, "\n")+"\n")
}

func node(addr, role string) api.Node {
	return api.Node{Addr: addr, Role: role, Version: "7.2.4", Reachable: true}
}

func TestTopology(t *testing.T) {
	since := noon.Add(-time.Hour)
	gone, candidate, synced := node("10.0.0.1:6379", api.RoleDemoted), node("10.0.0.2:6379", api.RoleReplica),
		node("10.0.0.13:6379", api.RoleReplica)
	gone.Reachable, gone.Why, gone.Silent = false, "connection refused", 2
	candidate.Reads, candidate.LagBytes = true, ptr[int64](1536)
	synced.LagBytes = ptr[int64](1)
	compare(t, "topology_failover", Topology(&api.Service{Name: "main", Kind: api.KindSentinel, Epoch: 12,
		Reads: "primary",
		Shards: []api.Shard{{Name: "mymaster", Condition: api.Switching, Since: noon.Add(-1400 * time.Millisecond),
			Demoted: gone.Addr, Successor: candidate.Addr, Replicas: []string{candidate.Addr},
			Unused: []api.Unused{{Addr: synced.Addr, Why: "synchronises with its primary"}}}},
		Nodes: []api.Node{gone, candidate, synced},
		Sentinels: []api.Sentinel{{Addr: "10.0.0.1:26379", Why: "connection refused", Since: &since},
			{Addr: "10.0.0.12:26379", Reachable: true, Since: &since}, {Addr: "10.0.0.3:26379"}},
	}, noon))

	busy := node("10.1.0.2:7000", api.RolePrimary)
	busy.Busy = "BUSY running\r\na script"
	compare(t, "topology_cluster", Topology(&api.Service{Name: "cache", Kind: api.KindCluster, Epoch: 3, Unserved: 5,
		Reads: "primary",
		Shards: []api.Shard{
			{Name: "0-8191", Condition: api.Steady, Primary: "10.1.0.1:7000", Provisional: true, Since: since},
			{Name: "8192-16378", Condition: api.Steady, Primary: busy.Addr}},
		Nodes: []api.Node{node("10.1.0.1:7000", api.RolePrimary), busy, node("10.1.0.3:7000", api.RoleUnknown)},
	}, noon))

	compare(t, "topology_steady", Topology(&api.Service{Name: "one", Kind: api.KindPlain, Epoch: 1, Steady: true,
		Reads:  "primary",
		Shards: []api.Shard{{Name: "main", Condition: api.Steady, Primary: "10.2.0.1:6379", Since: since}},
		Nodes:  []api.Node{node("10.2.0.1:6379", api.RolePrimary)}}, noon))
	primary, replica, slow := node("10.2.0.1:6379", api.RolePrimary), node("10.2.0.2:6379", api.RoleReplica),
		node("10.2.0.3:6379", api.RoleReplica)
	replica.Reads, replica.LagBytes, replica.Lag, replica.Zone = true, ptr[int64](1840), ptr(5.25), "b"
	slow.LeftOut, slow.LagBytes, slow.Lag = true, ptr[int64](0), ptr(0.)
	compare(t, "topology_replicas", Topology(&api.Service{Name: "one", Kind: api.KindPlain, Epoch: 1, Steady: true,
		Shards: []api.Shard{{Name: "main", Condition: api.Steady, Primary: primary.Addr, Since: since,
			Replicas: []string{replica.Addr, slow.Addr}}},
		Nodes: []api.Node{primary, replica, slow}, Reads: "prefer-replica", Consistency: "gateway",
		ReplicaReads: api.ReplicaReads{OnReplicas: 9610, OnPrimaries: 390, Reasons: []api.ReadReason{
			{Text: "a write to the key was in flight", Reads: 20, Recent: 5},
			{Text: "no replica may serve reads", Reads: 370}}},
		Acks: api.Acks{Level: "1", Timeout: "1s", Confirmed: 1000, Unconfirmed: 2, Rejected: 1}}, noon))
	compare(t, "topology_none", Topology(&api.Service{Name: "new", Kind: api.KindPlain}, noon))
}

func TestFailovers(t *testing.T) {
	compare(t, "failovers_none", Failovers(nil))
	switched := api.Failover{Number: 7, Shard: "mymaster", Began: noon, From: "a:1", To: "b:1",
		Outcome: api.OutcomeSwitched, Steps: []api.Step{
			{Kind: api.StepSuspected, Event: "primary suspected", From: "a:1", Why: "s1: sdown"},
			{After: 0.4, Kind: api.StepHeld, Event: "failover started", From: "a:1", Why: "s1: odown"},
			{After: 1371, Kind: api.StepPromoted, Event: "primary promoted", To: "b:1"},
			{After: 1376, Kind: api.StepOther, Event: "replicas changed", From: "[]", To: "[c:1]"},
			{After: 1420, Kind: api.StepOther, Event: "sentinel reachable", Subject: "s1:2"},
		},
		Receipt: &api.Receipt{Text: "at most 16 of 4826 acknowledged writes were lost"},
		Effect: &api.Effect{Complete: true, Buffered: 640, Resumed: 639, TimedOut: 1, Uncertain: 8, Retried: 27, Errors: 1,
			LongestWait: ptr(1376.4)}}
	kept := api.Failover{Number: 8, Shard: "mymaster", Began: noon.Add(time.Minute), From: "b:1", To: "b:1",
		Outcome: api.OutcomeKept}
	running := api.Failover{Number: 9, Shard: "mymaster", Began: noon.Add(time.Hour), From: "b:1",
		Outcome: api.OutcomeRunning, Effect: &api.Effect{Buffered: 1}}
	compare(t, "failovers", Failovers([]api.Failover{switched, kept, running}))

	many := make([]api.Failover, failoversMax+2)
	for i := range many {
		many[i] = api.Failover{Number: uint64(i), Outcome: api.OutcomeKept}
	}
	lines := Failovers(many)
	if last := lines[len(lines)-1]; last != "older ones are in INFO failover: 2" ||
		!strings.HasPrefix(lines[0], "failover 6 ") {
		t.Errorf("%q", lines)
	}
}

func TestClients(t *testing.T) {
	compare(t, "clients_none", Clients(nil))
	compare(t, "clients", Clients([]Group{
		{User: "default", Library: "redis-py 8.0.1", Clients: 3},
		{User: "app", Library: "redis-py 8.0.1", Waits: "no-primary", Clients: 4, Longest: 1300 * time.Millisecond},
		{User: "app", Clients: 2, Subscribed: 1, InMulti: 1},
		{User: "app", Library: "bad\nname", Waits: "no-primary", Clients: 1, Longest: 20 * time.Millisecond},
		{User: "default", Waits: "blocking-command", Clients: 9},
	}))
	var users []Group
	for i := range rowsMax + 3 {
		users = append(users, Group{User: string(rune('a' + i)), Clients: 100 - i})
	}
	if lines := Clients(users); lines[rowsMax+2] != "     237  others" {
		t.Errorf("%q", lines)
	}
}

package watch

import (
	"strings"
	"testing"

	"evergate/topology"
)

// heardSentinel returns a Sentinel that answers and knows all others.
func heardSentinel(addr, primary string, change func(*SentinelFound)) SentinelFound {
	n := SentinelFound{Addr: addr, Usable: 3, Report: topology.SentinelReport{Sentinel: addr, Primary: primary, Quorum: 2,
		Sentinels: 3}}
	if change != nil {
		change(&n)
	}
	return n
}

func heardNode(addr string, role topology.Role, change func(*NodeFound)) NodeFound {
	n := NodeFound{Addr: addr, MinReplicas: -1, Role: topology.RoleSeen{Addr: addr, Role: role, RunID: addr, Priority: 100,
		LinkUp: true, Primary: "p:1"}}
	if change != nil {
		change(&n)
	}
	return n
}

// confirmedView has a shard with so many replicas attached.
func confirmedView(attached int) *topology.View {
	return &topology.View{Shards: []topology.Shard{{Name: "m", Primary: &topology.Node{Addr: "p:1"},
		Replicas: []*topology.Node{{Addr: "r:1"}}, Copies: topology.Copies{Attached: attached, Promotable: 2}}}}
}

// TestJudgement covers problems that real servers on one machine do not have.
func TestJudgement(t *testing.T) {
	view := &topology.View{Shards: []topology.Shard{{Name: "m", Primary: &topology.Node{Addr: "p:1"}}}}
	by := Service{Sentinels: []string{"a:1", "b:1", "c:1"}, MasterName: "m"}
	nodes := []NodeFound{heardNode("p:1", topology.RolePrimary, nil), heardNode("r:1", topology.RoleReplica, nil)}
	three := func(changes ...func(*SentinelFound)) []SentinelFound {
		var all []SentinelFound
		for i, addr := range by.Sentinels {
			var change func(*SentinelFound)
			if i < len(changes) {
				change = changes[i]
			}
			all = append(all, heardSentinel(addr, "p:1", change))
		}
		return all
	}
	lost := func(why string) func(*SentinelFound) { return func(n *SentinelFound) { n.Lost = why } }
	down := func(n *SentinelFound) { n.Report.Down = topology.SDown }
	for name, c := range map[string]struct {
		found Findings
		s     Service
		// resolved and announced are those of the survey.
		resolved  map[string][]string
		announced string
		grade     Grade
		wants     string // empty: no problem of its grade or worse
	}{
		"sound": {found: Findings{Sentinels: three(), Nodes: nodes}, grade: Warning},
		"too few replicas confirm": {found: Findings{Sentinels: three(), Nodes: nodes, View: confirmedView(1)},
			s: Service{Sentinels: by.Sentinels, MasterName: "m", Acks: func(topology.Copies) int { return 2 }}, grade: Broken,
			wants: "writes to shard 'm' fail with NOREPLICAS: 2 replicas must confirm each write (--acks), and 1 is attached"},
		"just enough replicas confirm": {found: Findings{Sentinels: three(), Nodes: nodes, View: confirmedView(1)},
			s: Service{Sentinels: by.Sentinels, MasterName: "m", Acks: func(topology.Copies) int { return 1 }}, grade: Warning,
			wants: "1 replica must confirm each write (--acks), and 1 is attached to p:1: after a failover"},
		"replicas that are not reported": {found: Findings{Sentinels: three(), Nodes: nodes, View: confirmedView(-1)},
			s: Service{Sentinels: by.Sentinels, MasterName: "m", Acks: func(topology.Copies) int { return 1 }}, grade: Warning,
			wants: "p:1 does not report its replicas"},
		"quorum by counting": {found: Findings{Sentinels: three(func(n *SentinelFound) { n.Usable = 1 }, lost("timeout"),
			lost("timeout")), Nodes: nodes}, grade: Fragile, wants: "a:1 sees 1 of 3 Sentinels alive, 2 must agree"},
		"quorum of one side": {found: Findings{Sentinels: three(func(n *SentinelFound) { n.NoQuorum = "NOQUORUM 1" }),
			Nodes: nodes}, grade: Warning, wants: "lost their quorum"},
		"dead for a moment": {found: Findings{Sentinels: three(nil, lost("timeout"), lost("timeout")), Nodes: nodes},
			grade: Fragile, wants: "only 1 of 3 Sentinels are reachable from here"},
		"quorum too high": {found: Findings{Sentinels: three(func(n *SentinelFound) { n.Report.Quorum = 4 }), Nodes: nodes},
			grade: Fragile, wants: "has a quorum of 4 and knows only 3"},
		"two Sentinels": {found: Findings{Sentinels: []SentinelFound{heardSentinel("a:1", "p:1",
			func(n *SentinelFound) { n.Report.Sentinels, n.Usable = 2, 2 })}, Nodes: nodes}, grade: Fragile,
			wants: "only 1 of 2 Sentinels"},
		"one Sentinel": {found: Findings{Sentinels: []SentinelFound{heardSentinel("a:1", "p:1",
			func(n *SentinelFound) { n.Report.Sentinels, n.Report.Quorum, n.Usable = 1, 1, 1 })}, Nodes: nodes}, grade: Warning,
			wants: "there is 1 Sentinel: at least three"},
		"they disagree": {found: Findings{Sentinels: three(func(n *SentinelFound) { n.Report.Primary = "q:1" }),
			Nodes: nodes}, grade: Fragile, wants: "disagree about the primary: a:1 reports q:1; b:1 and c:1 report p:1"},
		"they lack its password": {found: Findings{Sentinels: three(down, down, down), Nodes: nodes}, grade: Fragile,
			wants: "Sentinels a:1, b:1 and c:1 consider the primary down"},
		"one host has most Sentinels": {found: Findings{Sentinels: []SentinelFound{heardSentinel("a:1", "p:1", nil),
			heardSentinel("a:2", "p:1", nil), heardSentinel("b:1", "p:1", nil)}, Nodes: nodes}, grade: Warning,
			wants: "2 of 3 Sentinels run on a:"},
		"a Sentinel's password": {found: Findings{Sentinels: three(lost("NOAUTH Authentication required."),
			lost("NOAUTH Authentication required."), lost("NOAUTH Authentication required."))}, grade: Broken,
			wants: "Sentinels a:1, b:1 and c:1 require a password: NOAUTH Authentication required.; set " +
				"--sentinel-password-file"},
		"an announced address": {found: Findings{Sentinels: three(), Nodes: []NodeFound{nodes[0],
			{Addr: "10.0.0.9:1", Lost: "timeout"}}}, grade: Fragile, wants: "map it with --address-map"},
		"a replica that is known to be down": {found: Findings{Sentinels: three(func(n *SentinelFound) {
			n.Report.Replicas = []topology.SentinelReplica{{Addr: "d:1", Down: topology.SDown}}
		}), Nodes: append(nodes[:2:2], NodeFound{Addr: "d:1", Lost: "timeout"})}, grade: Warning, wants: "server d:1 cannot"},
		"a replica that synchronizes": {found: Findings{Sentinels: three(), Nodes: []NodeFound{nodes[0],
			heardNode("r:1", topology.RoleReplica, func(n *NodeFound) { n.Role.Syncing = true })}}, grade: Fragile,
			wants: "no replica can be promoted if primary p:1 dies: r:1: it is synchronizing"},
		"a replica without INFO": {found: Findings{Sentinels: three(), Nodes: []NodeFound{nodes[0],
			heardNode("r:1", topology.RoleReplica, func(n *NodeFound) { n.Refused = []string{"INFO REPLICATION (NOPERM)"} })}},
			grade: Warning, wants: "r:1 rejects INFO REPLICATION (NOPERM): which writes a replica has is not known"},
		"a map of nobody": {found: Findings{Sentinels: three(), Nodes: nodes}, s: Service{AddressMap: map[string]string{
			"x": "y"}}, announced: "p:1", grade: Warning, wants: "maps x, which no server"},
		"a name of two addresses": {found: Findings{Nodes: append(nodes[:1:1], NodeFound{Addr: "q:1",
			Lost: "connection refused"})}, s: Service{Primary: "n:1"}, resolved: map[string][]string{
			"n:1": {"p:1", "q:1"}}, grade: Fragile},
	} {
		s, seen := c.s, &survey{resolved: c.resolved, announced: map[string]bool{}}
		if c.announced != "" {
			seen.announced[c.announced] = true
		}
		if s.Primary == "" {
			s.Sentinels, s.MasterName = by.Sentinels, by.MasterName
		}
		f := &c.found
		if c.grade != Broken && f.View == nil {
			f.View = view
			f.View.Shards[0].Replicas = []*topology.Node{{Addr: "r:1"}}
		}
		f.judge(s, seen)
		met := false
		for _, p := range f.Problems {
			met = met || p.Grade == c.grade && strings.Contains(p.Text, c.wants) && c.wants != ""
			if c.wants == "" && p.Grade <= c.grade {
				t.Errorf("%s: %s", name, p.Text)
			}
		}
		if !met && c.wants != "" {
			t.Errorf("%s: none of grade %d has %q: %+v", name, c.grade, c.wants, f.Problems)
		}
	}
}

package watch

import (
	"fmt"
	"slices"
	"strings"

	"evergate/topology"
)

// roles checks the servers' reports of themselves.
func (j *judgement) roles() {
	runs, order := map[string][]string{}, []string{}
	for i := range j.Nodes {
		n := &j.Nodes[i]
		if n.Lost != "" {
			continue
		}
		id := either(n.Role.RunID, n.Addr)
		if runs[id] == nil && n.Role.Role == topology.RolePrimary && len(j.s.Cluster) == 0 {
			order = append(order, n.Addr)
		}
		runs[id] = append(runs[id], n.Addr)
		j.role(n)
		if n.Role.Role == topology.RolePrimary && j.used(n.Addr) {
			j.primary(n)
		}
		for _, command := range n.Refused {
			less := "the gateway works without it, with less information"
			if strings.HasPrefix(command, "INFO") {
				less = "which writes a replica has is not known, and reads go to the primary unless --consistency is eventual"
			}
			j.problem(Warning, "%s rejects %s: %s", n.Addr, command, less)
		}
	}
	if len(order) > 1 {
		j.problem(Fragile, "%s all report to be the primary: writes to one are missing on the others", and(order))
	}
	j.twice(runs)
	j.scripts()
	j.acks()
	j.wait()
}

// twice reports names of a plain list that are one server.
func (j *judgement) twice(runs map[string][]string) {
	for _, same := range runs {
		var names []string
		for _, name := range append([]string{j.s.Primary}, j.s.Replicas...) {
			if slices.ContainsFunc(j.c.resolved[name], func(a string) bool { return slices.Contains(same, a) }) {
				names = append(names, name)
			}
		}
		if len(names) > 1 {
			j.problem(Warning, "%s are the same server", and(names))
		}
	}
}

// role reports one server that is in the wrong place.
func (j *judgement) role(n *NodeFound) {
	if slices.Contains(j.c.resolved[j.s.Primary], n.Addr) && n.Role.Role == topology.RoleReplica {
		j.problem(Warning, "%s (--primary) is a replica of %s, which is used instead", n.Addr, n.Role.Primary)
	}
	if n.Writable {
		j.problem(Warning, "replica %s accepts writes (replica-read-only no), which are lost when it synchronizes", n.Addr)
	}
	if len(j.s.Cluster) > 0 || !n.InCluster {
		return
	}
	if n.ClusterSize <= 1 && n.ClusterSlots == topology.Slots {
		j.problem(Warning, "%s is the only primary of a cluster: use --cluster", n.Addr)
		return
	}
	j.problem(Broken, "%s is a node of a cluster and serves only a part of the slots: use --cluster", n.Addr)
}

// used reports whether the View has a primary at an address.
func (j *judgement) used(addr string) bool {
	return j.View != nil && slices.ContainsFunc(j.View.Shards, func(s topology.Shard) bool {
		return s.Primary != nil && s.Primary.Addr == addr
	})
}

// primary reports whether writes are accepted, now and by a successor.
func (j *judgement) primary(n *NodeFound) {
	have := len(n.Role.Replicas)
	there := oneOr(have == 1, "1 replica is", fmt.Sprintf("%d replicas are", have)) + " connected"
	switch {
	case n.MinReplicas > have:
		j.problem(Broken, "primary %s rejects writes (NOREPLICAS): min-replicas-to-write is %d and %s", n.Addr,
			n.MinReplicas, there)
	case n.MinReplicas > 0 && n.MinReplicas == have:
		j.problem(Warning, "min-replicas-to-write is %d on primary %s and %s: after a failover, and when a replica "+
			"is lost, writes are rejected (NOREPLICAS)", n.MinReplicas, n.Addr, there)
	case n.MinReplicas == 0 && have > 0:
		j.problem(Hint, "min-replicas-to-write is 0: a primary that is isolated from its replicas acknowledges writes that "+
			"a failover loses")
	}
}

// acks reports shards with too few replicas to confirm writes, or just enough.
func (j *judgement) acks() {
	if j.s.Acks == nil || j.View == nil {
		return
	}
	for i := range j.View.Shards {
		sh := &j.View.Shards[i]
		need, have := j.s.Acks(sh.Copies), sh.Copies.Attached
		if need == 0 || sh.Primary == nil {
			continue
		}
		must := oneOr(need == 1, "1 replica", fmt.Sprintf("%d replicas", need)) + " must confirm each write (--acks)"
		there := oneOr(have == 1, "1 is", fmt.Sprintf("%d are", have)) + " attached to " + sh.Primary.Addr
		switch {
		case have < 0:
			j.problem(Warning, "%s, and %s does not report its replicas: writes are UNCERTAIN while they are missing", must,
				sh.Primary.Addr)
		case have < need:
			j.problem(Broken, "writes to shard '%s' fail with NOREPLICAS: %s, and %s", sh.Name, must, there)
		case have == need:
			j.problem(Warning, "%s, and %s: after a failover, and when a replica is lost, writes to shard '%s' fail "+
				"(NOREPLICAS)", must, there, sh.Name)
		}
	}
}

// scripts reports commands that only the servers' ACL can forbid to scripts.
func (j *judgement) scripts() {
	var commands []string
	for _, n := range j.Nodes {
		commands = append(commands, n.Scripts...)
	}
	slices.Sort(commands)
	if commands = slices.Compact(commands); len(commands) > 0 {
		j.problem(Hint, "scripts of clients may run %s, which the gateway cannot prevent; add %s to the ACL of its user",
			strings.Join(commands, ", "), "-"+strings.ToLower(strings.Join(commands, " -")))
	}
}

// wait reports servers where WAIT fails because the gateway's user lacks another right.
func (j *judgement) wait() {
	if at := groups(j.Nodes, func(n NodeFound) (string, string) {
		return n.Addr, oneOr(n.NoWait, "it", "")
	}); len(at) > 0 {
		j.problem(Warning, "WAIT would fail at %s: the gateway's user lacks FUNCTION RESTORE, which it needs there; add "+
			"+function|restore to its ACL", and(at[0].addrs))
	}
}

// cluster reports whether all slots are served and primaries can be elected.
func (j *judgement) cluster() {
	for addr, words := range j.c.refused {
		switch {
		case strings.Contains(words, "cluster support disabled"):
			j.problem(Broken, "%s is not a node of a cluster: %s; use --primary", addr, words)
		case j.View == nil:
			j.problem(Broken, "%s does not report slots: %s", addr, words)
		default:
			j.problem(Warning, "%s does not report slots: %s", addr, words)
		}
	}
	if len(j.s.Cluster) == 0 || j.View == nil {
		return
	}
	if unserved := j.unserved(); unserved > 0 {
		j.problem(Broken, "%s not served by any node",
			oneOr(unserved == 1, "1 slot is", fmt.Sprintf("%d slots are", unserved)))
	}
	if failed := groups(j.Nodes, func(n NodeFound) (string, string) {
		return n.Addr, oneOr(n.ClusterState == "fail", n.ClusterState, "")
	}); len(failed) > 0 {
		j.problem(Broken, "%s %s cluster_state:fail, and %s requests with CLUSTERDOWN", and(failed[0].addrs),
			oneOr(len(failed[0].addrs) == 1, "reports", "report"), oneOr(len(failed[0].addrs) == 1, "rejects", "reject"))
	}
	var primaries []string
	for i, first := range j.View.FirstSlots() {
		if p := j.View.Shards[i].Standing(); first >= 0 && p != nil {
			primaries = append(primaries, p.Addr)
		}
	}
	if n := len(primaries); n > 0 && n < 3 {
		j.problem(Fragile, "the cluster has %s with slots: if one dies, the others are no majority and cannot elect a "+
			"new primary; three are needed", oneOr(n == 1, "1 primary", fmt.Sprintf("%d primaries", n)))
	}
	if host, n := crowded(primaries); n > 0 {
		j.problem(Warning, "%d of %d primaries run on %s: if that host is lost, no primary can be elected", n, len(primaries),
			host)
	}
}

func (f *Findings) unserved() int {
	count := 0
	for slot := range topology.Slots {
		if f.View.Shard(slot) == nil {
			count++
		}
	}
	return count
}

// promotable reports whether each shard has a replica that could be promoted. In a plain list an operator promotes it.
func (j *judgement) promotable() {
	if j.View == nil {
		return
	}
	for i := range j.View.Shards {
		shard := &j.View.Shards[i]
		primary := shard.Standing()
		if primary == nil || j.View.Sharded && j.View.FirstSlots()[i] < 0 {
			continue
		}
		why, able := j.successors(shard)
		switch {
		case able:
		case len(j.s.Sentinels)+len(j.s.Cluster) == 0 && why == "it has no replica":
			j.problem(Warning, "primary %s has no replica: nothing can be promoted in its place", primary.Addr)
		case len(j.s.Sentinels)+len(j.s.Cluster) > 0:
			j.problem(Fragile, "shard %s: no replica can be promoted if primary %s dies: %s", shard.Name, primary.Addr, why)
		}
	}
}

// successors reports whether a shard's primary has a replica that could be promoted, and if not why.
func (j *judgement) successors(shard *topology.Shard) (why string, able bool) {
	primary, members := shard.Standing().Addr, map[string]bool{}
	for _, r := range shard.Replicas {
		members[r.Addr] = true
	}
	for _, unused := range shard.Unused {
		members[unused.Node.Addr] = true
	}
	var faults []string
	for i := range j.Nodes {
		n := &j.Nodes[i]
		follows := members[n.Addr] || topology.MapAddr(j.s.AddressMap, j.c.follows[n.Addr]) == primary
		if n.Addr == primary || len(j.s.Cluster) > 0 && !follows {
			continue
		}
		fault := j.unable(n)
		if fault == "" {
			return "", true
		}
		faults = append(faults, n.Addr+": "+fault)
	}
	if len(faults) == 0 {
		return "it has no replica", false
	}
	return strings.Join(faults, "; "), false
}

// unable returns why a node could not be promoted; empty if it could.
func (j *judgement) unable(n *NodeFound) string {
	switch {
	case n.Lost != "":
		return n.Lost
	case n.Role.Role == topology.RolePrimary:
		return "it reports to be the primary"
	case n.Role.Role == topology.RoleRefused:
		return ""
	case n.Role.Syncing:
		return "it is synchronizing"
	case !n.Role.LinkUp:
		return "its link to its primary " + n.Role.Primary + " is down"
	case n.Role.Priority == 0 && len(j.s.Sentinels) > 0:
		return "its priority is 0"
	}
	return ""
}

// view reports gaps in the View.
func (j *judgement) view() {
	if j.View == nil {
		return
	}
	for i := range j.View.Shards {
		shard := &j.View.Shards[i]
		switch {
		case shard.Primary == nil:
			j.problem(Broken, "shard %s has no primary: it is %s", shard.Name, shard.Condition)
		case shard.Condition != topology.Steady:
			j.problem(Broken, "shard %s: its primary %s is %s", shard.Name, shard.Primary.Addr, shard.Condition)
		}
		for _, unused := range shard.Unused { // with the texts of the running gateway's log
			j.problem(Warning, "replica %s is excluded from reads: %s", unused.Node.Addr, unused.Why)
		}
	}
}

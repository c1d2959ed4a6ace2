package servers

import (
	"errors"
	"fmt"
	"strings"
)

const (
	clusterSlots = 16384
)

// Cluster starts Options.Primaries shards with Options.Replicas replicas each, distributes the slots evenly in order,
// and waits until every node reports the cluster as ok and knows all nodes, and every replica is in sync.
func Cluster(o Options) (*Env, error) {
	return build(o, func(e *Env) error {
		if err := e.startClusterNodes(); err != nil || o.Unformed {
			return err
		}
		if err := e.assignSlots(); err != nil {
			return err
		}
		if err := e.meetAll(); err != nil {
			return err
		}
		if err := e.attachReplicas(); err != nil {
			return err
		}
		return e.WaitFor(Patience, "a cluster in which all agree", e.clusterAgrees)
	})
}

// startClusterNode starts a node that knows no other.
func (e *Env) startClusterNode() (*Node, error) {
	return e.startServer([]string{
		"cluster-enabled yes",
		"cluster-config-file nodes.conf",
		fmt.Sprintf("cluster-node-timeout %d", e.options.NodeTimeout.Milliseconds()),
	})
}

func (e *Env) startClusterNodes() error {
	for i := range e.options.Primaries {
		group := &Group{Name: fmt.Sprintf("shard-%d", i), env: e}
		for range 1 + e.options.Replicas {
			n, err := e.startClusterNode()
			if err != nil {
				return err
			}
			group.Nodes = append(group.Nodes, n)
		}
		e.Groups = append(e.Groups, group)
	}
	return nil
}

// assignSlots gives each primary its share of the slots and an epoch of its own, so that none have to be resolved.
func (e *Env) assignSlots() error {
	for i, g := range e.Groups {
		from, to := i*clusterSlots/len(e.Groups), (i+1)*clusterSlots/len(e.Groups)
		if _, err := g.Nodes[0].Do("CLUSTER", "SET-CONFIG-EPOCH", i+1); err != nil {
			return err
		}
		args := []any{"CLUSTER", "ADDSLOTSRANGE", from, to - 1}
		if !e.Version.AtLeast(7, 0) {
			args = []any{"CLUSTER", "ADDSLOTS"}
			for slot := from; slot < to; slot++ {
				args = append(args, slot)
			}
		}
		if _, err := g.Nodes[0].Do(args...); err != nil {
			return err
		}
	}
	return nil
}

// meetAll introduces every node to the first one; gossip introduces the others to each other. A node forgets another
// one that does not answer its first messages within the node timeout or a second, as on a machine that stalls, and
// then ignores what comes from it: the two are introduced again.
func (e *Env) meetAll() error {
	nodes := e.Nodes()
	return e.WaitFor(Patience, "all nodes to know each other", func() error {
		for _, n := range nodes[1:] {
			met, err := nodes[0].met(n)
			if err == nil && !met {
				_, err = nodes[0].Do("CLUSTER", "MEET", e.options.Host, n.Port)
			}
			if err != nil {
				return err
			}
		}
		for _, n := range nodes {
			known, err := n.knownNodes()
			if err != nil {
				return err
			}
			if len(known) != len(nodes) {
				return fmt.Errorf("%s knows %d of %d", n.Addr, len(known), len(nodes))
			}
		}
		return nil
	})
}

// met reports whether two nodes have each other in their tables, if only to find out whether the other one answers.
func (n *Node) met(other *Node) (bool, error) {
	for _, pair := range [][2]*Node{{n, other}, {other, n}} {
		table, err := pair[0].Do("CLUSTER", "NODES")
		if err != nil {
			return false, err
		}
		if !strings.Contains(fmt.Sprint(table), fmt.Sprintf(":%d@", pair[1].Port)) {
			return false, nil
		}
	}
	return true, nil
}

func (e *Env) attachReplicas() error {
	for _, g := range e.Groups {
		id, err := g.Nodes[0].Do("CLUSTER", "MYID")
		if err != nil {
			return err
		}
		for _, n := range g.Nodes[1:] {
			if _, err := n.Do("CLUSTER", "REPLICATE", id); err != nil {
				return err
			}
		}
	}
	return nil
}

// clusterAgrees checks every node's view of the cluster and every replica's link.
func (e *Env) clusterAgrees() error {
	nodes := e.Nodes()
	for _, n := range nodes {
		text, err := n.Do("CLUSTER", "INFO")
		if err != nil {
			return err
		}
		if !strings.Contains(fmt.Sprint(text), "cluster_state:ok") {
			return fmt.Errorf("%s does not report cluster_state:ok", n.Addr)
		}
		known, err := n.knownNodes()
		if err != nil {
			return err
		}
		if got := strings.Count(strings.Join(known, "\n"), "slave"); got != len(nodes)-len(e.Groups) {
			return fmt.Errorf("%s sees %d replicas, not %d", n.Addr, got, len(nodes)-len(e.Groups))
		}
	}
	for _, g := range e.Groups {
		if got := len(g.Replicas()); got != len(g.Nodes)-1 {
			return fmt.Errorf("%s has %d replicas in sync of %d", g.Name, got, len(g.Nodes)-1)
		}
	}
	return nil
}

// knownNodes returns the lines of CLUSTER NODES for nodes that are past their handshake and not suspected.
func (n *Node) knownNodes() ([]string, error) {
	reply, err := n.Do("CLUSTER", "NODES")
	if err != nil {
		return nil, err
	}
	var known []string
	for line := range strings.Lines(fmt.Sprint(reply)) {
		fields := strings.Fields(line)
		if len(fields) < 8 || strings.Contains(fields[2], "handshake") || strings.Contains(fields[2], "fail") {
			continue
		}
		if fields[7] == "connected" {
			known = append(known, line)
		}
	}
	return known, nil
}

// SlotOwner asks the cluster for the node that serves slot (0 to 16383); nil if no reachable node knows.
func (e *Env) SlotOwner(slot int) *Node {
	for _, n := range e.Nodes() {
		if owner := e.SlotOwnerAs(n, slot); owner != nil {
			return owner
		}
	}
	return nil
}

// SlotOwnerAs is SlotOwner in the view of one node. It uses CLUSTER SLOTS, which every version knows: ranges of first
// slot, last slot, primary (host, port, ...), replicas.
func (e *Env) SlotOwnerAs(n *Node, slot int) *Node {
	reply, err := n.Do("CLUSTER", "SLOTS")
	if err != nil {
		return nil
	}
	ranges, _ := reply.([]any)
	for _, r := range ranges {
		fields, ok := r.([]any)
		if !ok || len(fields) < 3 {
			continue
		}
		first, _ := fields[0].(int64)
		last, _ := fields[1].(int64)
		primary, _ := fields[2].([]any)
		if first <= int64(slot) && int64(slot) <= last && len(primary) > 1 {
			return e.Node(fmt.Sprintf("%v:%v", primary[0], primary[1]))
		}
	}
	return nil
}

// MigrateSlot begins to move a slot: it becomes MIGRATING at from, IMPORTING at to. Keys stay until MoveKeys.
func (e *Env) MigrateSlot(slot int, from, to *Node) error {
	fromID, err1 := from.Do("CLUSTER", "MYID")
	toID, err2 := to.Do("CLUSTER", "MYID")
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	_, err1 = to.Do("CLUSTER", "SETSLOT", slot, "IMPORTING", fromID)
	_, err2 = from.Do("CLUSTER", "SETSLOT", slot, "MIGRATING", toID)
	return errors.Join(err1, err2)
}

// MoveKeys moves all keys of a slot that MigrateSlot has begun to move.
func (e *Env) MoveKeys(slot int, from, to *Node) error {
	for {
		reply, err := from.Do("CLUSTER", "GETKEYSINSLOT", slot, 100)
		if err != nil {
			return err
		}
		keys, _ := reply.([]any)
		if len(keys) == 0 {
			return nil
		}
		args := []any{"MIGRATE", e.options.Host, to.Port, "", 0, 5000}
		switch {
		case e.options.User != "":
			args = append(args, "AUTH2", e.options.User, e.options.UserPassword)
		case e.options.Password != "":
			args = append(args, "AUTH", e.options.Password)
		}
		if _, err := from.Do(append(append(args, "KEYS"), keys...)...); err != nil {
			return err
		}
	}
}

// FinishSlot ends a move: the new owner first, then the old one, then all other primaries.
func (e *Env) FinishSlot(slot int, from, to *Node) error {
	id, err := to.Do("CLUSTER", "MYID")
	if err != nil {
		return err
	}
	notified := []*Node{to, from}
	for _, g := range e.Groups {
		if p := g.Primary(); p != nil && p != to && p != from {
			notified = append(notified, p)
		}
	}
	for _, n := range notified {
		if _, err := n.Do("CLUSTER", "SETSLOT", slot, "NODE", id); err != nil {
			return err
		}
	}
	return nil
}

// MovesAtOnce reports whether servers of this version move slots by themselves, all keys at once: Valkey since 9.0,
// Redis since 8.4.
func (v Version) MovesAtOnce() bool {
	if v.Valkey {
		return v.Major >= 9
	}
	return v.AtLeast(8, 4)
}

// BeginMove makes servers for which MovesAtOnce is true move slots, first to last, with their keys. SlotOwner shows
// when they have.
func (e *Env) BeginMove(first, last int, from, to *Node) error {
	if !e.Version.Valkey {
		_, err := to.Do("CLUSTER", "MIGRATION", "IMPORT", first, last)
		return err
	}
	id, err := to.Do("CLUSTER", "MYID")
	if err == nil {
		_, err = from.Do("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", first, last, "NODE", id)
	}
	return err
}

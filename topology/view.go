// Package topology has the picture of a service: the View (shards, primaries, replicas, slots) with the questions to
// it, and the observations of which it is made. A View is immutable, numbered, and shared by every worker without a
// lock. Package decide makes Views of observations, watch makes observations by asking servers, keeper runs the two.
package topology

import (
	"slices"
	"strings"
	"time"
)

// Slots is the number of hash slots of a Redis Cluster (cluster specification, "Key distribution model").
const Slots = 16384

// NodeID is a small dense number for an address of one service. It is never reused for another address while the
// process lives, so lanes can be found by index.
type NodeID int32

// Node is one Redis server as last learnt. Nodes in a View are never modified.
type Node struct {
	ID NodeID
	// Addr is where to dial: host:port after the address map, IPv6 in brackets. The host may be a name: every dial
	// resolves it again.
	Addr string
	// Announced is how the servers themselves call the node (before the address map); MOVED and ASK name it so.
	Announced string
	// Version is the server's redis_version ("7.0.15"), empty when not known.
	Version string
	// Busy is what the server says to everything while it runs a script that takes too long ("BUSY Redis is busy running
	// a script. ..."); empty when it does not.
	Busy string
	// RunID is the server's run id when it was last proven to belong where the View has it; empty when not told. A
	// connection that meets another run id has met another history.
	RunID string
}

// Condition of a shard.
type Condition uint8

const (
	// Steady: the primary is trusted.
	Steady Condition = iota
	// Suspect: something was wrong; a probe is under way. The primary is still named.
	Suspect
	// Switching: a new primary is being made; the shard is held.
	Switching
	// Orphan: no primary is known.
	Orphan
)

var conditionNames = [...]string{"steady", "suspect", "switching", "orphan"}

func (c Condition) String() string { return conditionNames[c] }

// Shard is a primary, its replicas and the slots they serve. Under Sentinel and in a plain list there is one shard
// with all slots.
type Shard struct {
	// Index is the shard's place in View.Shards.
	Index int
	// Name is for people: the master name under Sentinel, the slots ("0-5460") in a Cluster.
	Name string
	// ConfigEpoch is the servers' own number of the failover that made Primary primary; 0 in a plain list.
	ConfigEpoch uint64
	// Primary takes the writes; nil while no primary is trusted (the shard is held).
	Primary *Node
	// Former is the primary that is being left: set only while Primary is nil. It gets nothing new, and what it still
	// answers to writes is withheld until the next View with a primary.
	Demoted *Node
	// Provisional: those who decide have not confirmed Primary, which nothing but its own proof speaks for, or a
	// minority of them.
	Provisional bool
	// Successor has proven to be the new primary and waits for the workers to leave Former; set only with Former.
	Successor *Node
	// DemotedSilent says, with Successor, that Former does not answer the control plane either: there is no word to
	// wait for.
	DemotedSilent bool
	// Covers is the Former of an earlier View of which Primary has everything that it had executed when all workers were
	// settled: what was withheld of it is true. Of other nodes it says nothing. nil: of none.
	Covers *Node
	// Replicas are those that may serve reads now, in a stable order (by address).
	Replicas []*Node
	// Unused are those that answer and may not serve reads; told while the shard is Steady.
	Unused    []Unused
	Condition Condition
	// Since is when Condition was entered.
	Since time.Time
}

// Unused is a replica that may not serve reads, and why not.
type Unused struct {
	Node *Node
	Why  string
}

// Standing is Primary, or while there is none the Former one: the node that the shard is known by. nil when no primary
// was ever trusted.
func (s *Shard) Standing() *Node {
	if s.Primary != nil {
		return s.Primary
	}
	return s.Demoted
}

// View is an immutable picture of all shards of one service.
type View struct {
	// Epoch rises by one with each View of the service; the first View has 1.
	Epoch uint64
	// Sharded: keys are spread by slot (Redis Cluster). When false there is exactly one shard.
	Sharded bool
	Shards  []Shard
	// Nodes holds every node of this View by NodeID; nil where an address is no longer part of it.
	Nodes []*Node
	// DownAfter is how long a primary may be silent before the servers themselves begin a failover (Sentinel's
	// down-after-milliseconds, cluster-node-timeout); 0 when not known.
	DownAfter time.Duration
	// Lowest is a reachable node with the lowest Version: HELLO and COMMAND speak for it. nil when none is known.
	Lowest *Node
	// slots maps a slot to its shard's index; -1 where nobody serves it. nil when not Sharded.
	slots *[Slots]int16
}

// String writes the view for people: "main: a [b c] steady".
func (v *View) String() string {
	texts := make([]string, len(v.Shards))
	for i := range v.Shards {
		shard := &v.Shards[i]
		primary := "nobody"
		if shard.Primary != nil {
			primary = shard.Primary.Addr
		}
		texts[i] = shard.Name + ": " + primary + " " + AddrList(shard.Replicas) + " " + shard.Condition.String()
	}
	return strings.Join(texts, "; ")
}

// Shard returns the shard that serves slot (0 to Slots-1), or nil when nobody does.
func (v *View) Shard(slot int) *Shard {
	if !v.Sharded {
		return &v.Shards[0]
	}
	i := v.slots[slot]
	if i < 0 {
		return nil
	}
	return &v.Shards[i]
}

// Give has a shard (-1: nobody) serve slots, of whomever they were before. Only while the View is made.
func (v *View) Give(shard int, slots ...SlotRange) {
	if v.slots == nil {
		v.slots = new([Slots]int16)
	}
	for _, r := range slots {
		for slot := r.First; slot <= r.Last; slot++ {
			v.slots[slot] = int16(shard)
		}
	}
}

// Complete reports whether every slot is served, or that there are none.
func (v *View) Complete() bool { return !v.Sharded || !slices.Contains(v.slots[:], -1) }

// FirstSlots tells the lowest slot of each shard; -1 for one without slots, and where there are none.
func (v *View) FirstSlots() []int16 {
	first := make([]int16, len(v.Shards))
	for i := range first {
		first[i] = -1
	}
	if v.Sharded {
		for slot := Slots - 1; slot >= 0; slot-- {
			if i := v.slots[slot]; i >= 0 {
				first[i] = int16(slot)
			}
		}
	}
	return first
}

// RangeEnd is the first slot behind slot that its shard does not serve; Slots when there is none.
func (v *View) RangeEnd(slot int) int {
	end := slot + 1
	for end < Slots && v.slots[end] == v.slots[slot] {
		end++
	}
	return end
}

// NodeByAnnounced finds the node that the servers call addr, or nil.
func (v *View) NodeByAnnounced(addr string) *Node {
	for _, n := range v.Nodes {
		if n != nil && (n.Announced == addr || n.Addr == addr) {
			return n
		}
	}
	return nil
}

// NodeNamed finds the node that from named in a MOVED or ASK, or nil. An empty host (":7000") stands for the host
// of from, as servers answer that do not know their own address.
func (v *View) NodeNamed(addr string, from *Node) *Node {
	if strings.LastIndexByte(addr, ':') != 0 || from == nil {
		return v.NodeByAnnounced(addr)
	}
	for _, base := range [...]string{from.Announced, from.Addr} {
		host, _ := SplitAddr(base)
		if n := v.NodeByAnnounced(host + addr); n != nil {
			return n
		}
	}
	return nil
}

// Same reports whether two Views differ in nothing but their numbers and times.
func (v *View) Same(w *View) bool {
	if w == nil || v.Sharded != w.Sharded || v.Lowest != w.Lowest || v.DownAfter != w.DownAfter {
		return false
	}
	if !slices.Equal(v.Nodes, w.Nodes) || (v.Sharded && *v.slots != *w.slots) {
		return false
	}
	return slices.EqualFunc(v.Shards, w.Shards, func(a, b Shard) bool {
		return a.Name == b.Name && a.ConfigEpoch == b.ConfigEpoch && a.Primary == b.Primary &&
			a.Demoted == b.Demoted && a.Successor == b.Successor && a.DemotedSilent == b.DemotedSilent &&
			a.Covers == b.Covers && a.Provisional == b.Provisional &&
			a.Condition == b.Condition && slices.Equal(a.Replicas, b.Replicas) &&
			slices.Equal(a.Unused, b.Unused)
	})
}

// AddrList formats nodes: "[a b]".
func AddrList(nodes []*Node) string {
	names := make([]string, len(nodes))
	for i, n := range nodes {
		names[i] = n.Addr
	}
	return "[" + strings.Join(names, " ") + "]"
}

// Package topology has the View of a service (shards, primaries, replicas, slots) with its queries, and the
// observations from which Views are built. A View is immutable, numbered, and shared by all workers without a lock.
// Package decide turns observations into Views, watch makes observations by asking servers, keeper runs the two.
package topology

import (
	"slices"
	"strings"
	"time"
)

// Slots is the number of hash slots of a Redis Cluster (cluster specification, "Key distribution model").
const Slots = 16384

// NodeID is a small dense number for an address of one service. It is never reused for another address while the
// process lives, so it can index connections.
type NodeID int32

// Node is one Redis server as last observed. Nodes in a View are never modified.
type Node struct {
	ID NodeID
	// Addr is where to dial: host:port after the address map, IPv6 in brackets. The host may be a name: every dial
	// resolves it again.
	Addr string
	// Announced is the servers' own address of the node (before the address map), as in MOVED and ASK.
	Announced string
	// Version is the server's redis_version ("7.0.15"), empty if unknown.
	Version string
	// Eviction is which keys the server evicts: its maxmemory-policy, "noeviction" without maxmemory; empty if unknown.
	Eviction string
	// Busy is the server's error reply while it runs a script that takes too long ("BUSY Redis is busy running a script.
	// ..."); empty otherwise.
	Busy string
	// Zone is where the server is: of a cloud, or a rack; empty if that is unknown.
	Zone string
	// RunID is the server's run id when its role was last proven; empty if not reported. A connection that finds another
	// run id has found another history.
	RunID string
}

// Condition of a shard.
type Condition uint8

const (
	// Steady: the primary is trusted.
	Steady Condition = iota
	// Suspect: something was wrong; a probe is under way. The primary is still named.
	Suspect
	// Switching: a failover is under way; requests are held.
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
	// Primary takes the writes; nil while no primary is trusted (requests are held).
	Primary *Node
	// Demoted is the former primary, set only while Primary is nil. It gets no new requests, and its replies to writes are
	// withheld until the next View with a primary.
	Demoted *Node
	// Provisional: Primary has proven its role, but no majority of the Sentinels has confirmed it yet.
	Provisional bool
	// Successor has proven to be the new primary and waits until the workers have stopped using Demoted; set only with
	// Demoted.
	Successor *Node
	// DemotedSilent, with Successor: Demoted does not answer the control plane either, so its replies are not waited for.
	DemotedSilent bool
	// Fence is why Demoted gets no writes though it answers and nobody is known to replace it; set only with Demoted.
	Fence string
	// Covers is the Demoted of an earlier View if Primary has everything that it had executed when all workers were
	// settled: its withheld replies are true. nil: that is proven of no node.
	Covers *Node
	// Replicas are those that may serve reads now, in a stable order: by address, and the first Near of them are in the
	// gateway's own zone. Reads go to those, if there are any.
	Replicas []*Node
	Near     int
	// Unused are those that answer and may not serve reads; set only while the shard is Steady.
	Unused []Unused
	// Copies counts the replicas of Primary; zero without one.
	Copies    Copies
	Condition Condition
	// Since is when Condition was entered.
	Since time.Time
}

// Unused is a replica that may not serve reads, and why not.
type Unused struct {
	Node *Node
	Why  string
}

// Sort sorts the replicas: those of a zone first, if there is one, and all by address. Only while the View is built.
func (s *Shard) Sort(zone string) {
	s.Near = 0
	for _, n := range s.Replicas {
		if n.Zone == zone && zone != "" {
			s.Near++
		}
	}
	near := func(n *Node) int {
		if n.Zone == zone {
			return 0
		}
		return 1
	}
	slices.SortFunc(s.Replicas, func(a, b *Node) int {
		if s.Near > 0 && near(a) != near(b) {
			return near(a) - near(b)
		}
		return strings.Compare(a.Addr, b.Addr)
	})
}

// Standing returns Primary, or Demoted while there is none; nil if no primary was ever trusted.
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
	// Sharded: keys are distributed by slot (Redis Cluster). If false there is exactly one shard.
	Sharded bool
	Shards  []Shard
	// Nodes holds every node of this View by NodeID; nil where an address is no longer part of it.
	Nodes []*Node
	// DownAfter is how long a primary may be silent before the servers themselves begin a failover (Sentinel's
	// down-after-milliseconds, cluster-node-timeout); 0 if unknown.
	DownAfter time.Duration
	// Lowest is a reachable node with the lowest Version, which HELLO and COMMAND report. nil if none is known.
	Lowest *Node
	// slots maps a slot to its shard's index, -1 for an unserved one. nil if not Sharded.
	slots *[Slots]int16
}

// String returns the View as a line: "main: a [b c] steady".
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

// Shard returns the shard that serves slot (0 to Slots-1), or nil if none does.
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

// Give assigns slots to a shard (-1: none), whichever had them before. Only while the View is built.
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

// Complete reports whether every slot is served; true without slots.
func (v *View) Complete() bool { return !v.Sharded || !slices.Contains(v.slots[:], -1) }

// FirstSlots returns the lowest slot of each shard; -1 for a shard without slots.
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

// RangeEnd returns the first slot after slot that its shard does not serve; Slots if there is none.
func (v *View) RangeEnd(slot int) int {
	end := slot + 1
	for end < Slots && v.slots[end] == v.slots[slot] {
		end++
	}
	return end
}

// NodeByAnnounced returns the node with an announced address, or nil.
func (v *View) NodeByAnnounced(addr string) *Node {
	for _, n := range v.Nodes {
		if n != nil && (n.Announced == addr || n.Addr == addr) {
			return n
		}
	}
	return nil
}

// NodeNamed returns the node that from named in a MOVED or ASK, or nil. An empty host (":7000"), of a server that does
// not know its own address, means the host of from.
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

// Same reports whether two Views are equal except for epochs and times.
func (v *View) Same(w *View) bool {
	if w == nil || v.Sharded != w.Sharded || v.Lowest != w.Lowest || v.DownAfter != w.DownAfter {
		return false
	}
	if !slices.Equal(v.Nodes, w.Nodes) || (v.Sharded && *v.slots != *w.slots) {
		return false
	}
	return slices.EqualFunc(v.Shards, w.Shards, func(a, b Shard) bool {
		return a.Name == b.Name && a.ConfigEpoch == b.ConfigEpoch && a.Primary == b.Primary &&
			a.Demoted == b.Demoted && a.Successor == b.Successor && a.DemotedSilent == b.DemotedSilent && a.Fence == b.Fence &&
			a.Covers == b.Covers && a.Provisional == b.Provisional &&
			a.Condition == b.Condition && a.Copies == b.Copies && slices.Equal(a.Replicas, b.Replicas) && a.Near == b.Near &&
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

package topology

import (
	"slices"
	"strings"
)

// Queries of a View. A nil View is empty, and no query of it fails.

// IsSharded reports whether keys are distributed by slot; see Sharded.
func (v *View) IsSharded() bool { return v != nil && v.Sharded }

// Node returns a node of the View, or nil.
func (v *View) Node(id NodeID) *Node {
	if v == nil || id < 0 || int(id) >= len(v.Nodes) {
		return nil
	}
	return v.Nodes[id]
}

// Primary returns the primary of the shard with this index, or nil.
func (v *View) Primary(shard int) *Node {
	if v == nil || shard < 0 || shard >= len(v.Shards) {
		return nil
	}
	return v.Shards[shard].Primary
}

// EvictsUnread returns a primary that evicts keys which it has not served for long, by LRU or LFU: keys that clients
// read on replicas only. nil if none is known.
func (v *View) EvictsUnread() *Node {
	if v == nil {
		return nil
	}
	for i := range v.Shards {
		p := v.Shards[i].Primary
		if p != nil && (strings.HasSuffix(p.Eviction, "-lru") || strings.HasSuffix(p.Eviction, "-lfu")) {
			return p
		}
	}
	return nil
}

// EvictionKnown reports whether each shard has a primary of which is known what it evicts.
func (v *View) EvictionKnown() bool {
	return v != nil && !slices.ContainsFunc(v.Shards, func(s Shard) bool {
		return s.Primary == nil || s.Primary.Eviction == ""
	})
}

// Fence returns Shard.Fence of the shard with this index.
func (v *View) Fence(shard int) string {
	if v == nil || shard < 0 || shard >= len(v.Shards) {
		return ""
	}
	return v.Shards[shard].Fence
}

// LedBy returns the index of the shard whose primary a node is, or -1.
func (v *View) LedBy(id NodeID) int {
	if v == nil || id < 0 {
		return -1
	}
	return slices.IndexFunc(v.Shards, func(s Shard) bool { return s.Primary != nil && s.Primary.ID == id })
}

// ShardOf returns the index of the shard in which a node is the primary or a replica that serves reads, or -1.
func (v *View) ShardOf(id NodeID) int {
	if v == nil {
		return -1
	}
	return slices.IndexFunc(v.Shards, func(s Shard) bool {
		return s.Primary != nil && s.Primary.ID == id || s.hasReplica(id)
	})
}

// IsReplica reports whether a node serves reads of a shard as a replica.
func (v *View) IsReplica(id NodeID) bool {
	return v != nil && slices.ContainsFunc(v.Shards, func(s Shard) bool { return s.hasReplica(id) })
}

// Preferred returns the replicas that get reads as long as they can take them: those of the gateway's own zone, or all.
func (s *Shard) Preferred() []*Node {
	if s.Near > 0 {
		return s.Replicas[:s.Near]
	}
	return s.Replicas
}

func (s *Shard) hasReplica(id NodeID) bool {
	return slices.ContainsFunc(s.Replicas, func(n *Node) bool { return n.ID == id })
}

// Demoted returns the shard whose primary a node is no longer to be, or nil: see Shard.Demoted.
func (v *View) Demoted(id NodeID) *Shard {
	if v == nil {
		return nil
	}
	for i := range v.Shards {
		if f := v.Shards[i].Demoted; f != nil && f.ID == id {
			return &v.Shards[i]
		}
	}
	return nil
}

// Verdict is what a View implies for replies to writes of a primary that was being demoted.
type Verdict uint8

const (
	// StillOpen: there is no new primary yet.
	StillOpen Verdict = iota
	// KeptRole: it is the primary again, and the replies hold.
	KeptRole
	// Restarted: it is the primary again in another run, and may have lost what was not on its disk.
	Restarted
	// Covered: the new primary has everything that the demoted one had executed.
	Covered
	// MayBeLost: the new primary may lack writes that the demoted one acknowledged.
	MayBeLost
)

// Judge returns the Verdict on a node's replies for a slot (-1: for any) while it was being demoted under the View old.
// runID is the run that replied; an empty one, of an unknown run, counts as the same run.
func (v *View) Judge(old *View, id NodeID, runID string, slot int) Verdict {
	if v == nil {
		return StillOpen
	}
	for i := range v.Shards {
		switch s := &v.Shards[i]; {
		case s.Primary != nil && s.Primary.ID == id:
			if s.Primary.RunID != "" && runID != "" && s.Primary.RunID != runID {
				return Restarted
			}
			return KeptRole
		case s.Demoted != nil && s.Demoted.ID == id:
			return StillOpen
		}
	}
	switch s := v.successor(old, id, slot); {
	case s == nil || s.Demoted != nil:
		return MayBeLost
	case s.Primary == nil:
		return StillOpen
	case s.Covers != nil && s.Covers.ID == id:
		return Covered
	}
	return MayBeLost
}

// successor returns the shard that took over from a node: that of the slot, or of the successor that the View before
// had named. An index in a View identifies nothing: shards come and go.
func (v *View) successor(old *View, id NodeID, slot int) *Shard {
	switch {
	case !v.Sharded:
		return &v.Shards[0]
	case slot >= 0:
		return v.Shard(slot)
	}
	before := old.Demoted(id)
	if before == nil || before.Successor == nil {
		return nil
	}
	if i := v.LedBy(before.Successor.ID); i >= 0 {
		return &v.Shards[i]
	}
	return nil
}

package decide

import (
	"slices"

	"evergate/topology"
)

// The difference between two Views, as events. State publishes; this file only builds the events.

// before finds, for each shard of v, the shard of the last View that it continues: that of the same primary, or else
// the owner of its lowest slot. nil for a new one.
func (s *State) before(v *topology.View) []*topology.Shard {
	old := make([]*topology.Shard, len(v.Shards))
	if s.view == nil {
		return old
	}
	if !v.Sharded {
		old[0] = &s.view.Shards[0]
		return old
	}
	for i, slot := range v.FirstSlots() {
		if p := v.Shards[i].Standing(); p != nil {
			old[i] = ledBy(s.view, p.ID)
		}
		if old[i] == nil && slot >= 0 {
			old[i] = s.view.Shard(int(slot))
		}
	}
	return old
}

// ledBy returns the shard of a View whose primary a node is, or was when it lost it; nil for none.
func ledBy(v *topology.View, id topology.NodeID) *topology.Shard {
	for i := range v.Shards {
		if p := v.Shards[i].Standing(); p != nil && p.ID == id {
			return &v.Shards[i]
		}
	}
	return nil
}

// keepTimes keeps Since of conditions that persist.
func (s *State) keepTimes(v *topology.View) {
	for i, old := range s.before(v) {
		if old != nil && sameNode(old.Standing(), v.Shards[i].Standing()) && old.Condition == v.Shards[i].Condition {
			v.Shards[i].Since = old.Since
		}
	}
}

// sameNode compares IDs: other fields of a node may have changed.
func sameNode(a, b *topology.Node) bool { return a != nil && b != nil && a.ID == b.ID }

func (s *State) emitShards(v *topology.View) {
	replaced := map[topology.NodeID]bool{}
	primaries := map[topology.NodeID]bool{}
	for i := range v.Shards {
		primaries[v.Shards[i].Standing().ID] = true
	}
	for i, old := range s.before(v) {
		shard := &v.Shards[i]
		now := shard.Standing()
		switch {
		case old == nil:
			s.event(Event{Kind: PrimaryFound, Shard: shard.Name, To: now.Addr, ToEpoch: shard.ConfigEpoch})
		case old.Standing().ID != now.ID && !primaries[old.Standing().ID]:
			replaced[old.Standing().ID] = true
			kind := PrimaryChanged
			if s.nodes.byID[now.ID].renames(s.nodes.byID[old.Standing().ID]) {
				kind = PrimaryRenamed
			}
			s.event(Event{Kind: kind, Shard: shard.Name, From: old.Standing().Addr, To: now.Addr,
				FromEpoch: old.ConfigEpoch, ToEpoch: shard.ConfigEpoch})
		}
		from := "[]"
		if old != nil && old.Standing().ID == now.ID {
			from = topology.AddrList(old.Replicas)
			if slices.EqualFunc(old.Replicas, shard.Replicas, func(a, b *topology.Node) bool { return a.ID == b.ID }) {
				continue
			}
		} else if len(shard.Replicas) == 0 {
			continue
		}
		s.event(Event{Kind: ReplicasChanged, Shard: shard.Name, From: from, To: topology.AddrList(shard.Replicas)})
	}
	s.emitSlots(v, replaced)
}

// emitSlots counts the slots that moved between primaries, to none or from none; those of a primary that was replaced
// as a whole are reported already.
func (s *State) emitSlots(v *topology.View, replaced map[topology.NodeID]bool) {
	if s.view == nil || !v.Sharded {
		return
	}
	type move struct{ from, to string }
	counts := map[move]int{}
	var order []move
	for slot := range topology.Slots {
		from, to := s.view.Shard(slot), v.Shard(slot)
		m := move{"none", "none"}
		if from != nil {
			m.from = from.Standing().Addr
		}
		if to != nil {
			m.to = to.Standing().Addr
		}
		if m.from == m.to || from != nil && replaced[from.Standing().ID] {
			continue
		}
		if counts[m] == 0 {
			order = append(order, m)
		}
		counts[m]++
	}
	for _, m := range order {
		s.event(Event{Kind: SlotsMoved, From: m.from, To: m.to, Slots: counts[m]})
	}
}

package topology

import "slices"

// What changed between two Views, in events. State publishes; this file only finds the words.

// before finds, for each shard of v, the one of the last View that it continues: the one that served its lowest slot.
// nil for a new one.
func (s *State) before(v *View) []*Shard {
	old := make([]*Shard, len(v.Shards))
	if s.view == nil {
		return old
	}
	if !v.Sharded {
		old[0] = &s.view.Shards[0]
		return old
	}
	met := make([]bool, len(v.Shards))
	for slot, i := range v.slots {
		if i >= 0 && !met[i] {
			met[i], old[i] = true, s.view.Shard(slot)
		}
	}
	return old
}

// tellConditions keeps Since of conditions that lasted, and tells those that changed.
func (s *State) tellConditions(v *View, drafts []draft) {
	for i, old := range s.before(v) {
		if old == nil || old.Primary != nil && old.Primary.ID != v.Shards[i].Primary.ID {
			continue
		}
		if old.Condition == v.Shards[i].Condition {
			v.Shards[i].Since = old.Since
			continue
		}
		s.event(Event{Kind: ConditionChanged, Shard: v.Shards[i].Name, From: old.Condition.String(),
			To: v.Shards[i].Condition.String(), Why: drafts[i].suspect})
	}
}

func (s *State) tellShards(v *View) {
	replaced := map[NodeID]bool{}
	primaries := map[NodeID]bool{}
	for i := range v.Shards {
		primaries[v.Shards[i].Primary.ID] = true
	}
	for i, old := range s.before(v) {
		shard := &v.Shards[i]
		switch {
		case old == nil:
			s.event(Event{Kind: PrimaryFound, Shard: shard.Name, To: shard.Primary.Addr, ToEpoch: shard.ConfigEpoch})
		case old.Primary.ID != shard.Primary.ID && !primaries[old.Primary.ID]:
			replaced[old.Primary.ID] = true
			s.event(Event{Kind: PrimaryChanged, Shard: shard.Name, From: old.Primary.Addr, To: shard.Primary.Addr,
				FromEpoch: old.ConfigEpoch, ToEpoch: shard.ConfigEpoch})
		}
		from := "[]"
		if old != nil && old.Primary.ID == shard.Primary.ID {
			from = addrList(old.Replicas)
			if slices.EqualFunc(old.Replicas, shard.Replicas, func(a, b *Node) bool { return a.ID == b.ID }) {
				continue
			}
		} else if len(shard.Replicas) == 0 {
			continue
		}
		s.event(Event{Kind: ReplicasChanged, Shard: shard.Name, From: from, To: addrList(shard.Replicas)})
	}
	s.tellSlots(v, replaced)
}

// tellSlots counts the slots that went from one primary to another, to nobody or from nobody; those of a primary that
// was replaced as a whole have been told.
func (s *State) tellSlots(v *View, replaced map[NodeID]bool) {
	if s.view == nil || !v.Sharded {
		return
	}
	type move struct{ from, to string }
	counts := map[move]int{}
	var order []move
	for slot := range v.slots {
		from, to := s.view.Shard(slot), v.Shard(slot)
		m := move{"nobody", "nobody"}
		if from != nil {
			m.from = from.Primary.Addr
		}
		if to != nil {
			m.to = to.Primary.Addr
		}
		if m.from == m.to || from != nil && replaced[from.Primary.ID] {
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

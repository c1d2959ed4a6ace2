package topology

import (
	"slices"
	"strings"
)

// How drafts become a View.

// build returns the View of the drafts, with the number of the last.
func (s *State) build(drafts []draft) *View {
	v := &View{Sharded: s.settings.Mode == ByCluster, Nodes: make([]*Node, len(s.nodes.byID)),
		DownAfter: s.downAfter()}
	s.passing = map[*entry]bool{}
	for i := range drafts {
		v.Shards = append(v.Shards, s.shard(v, i, &drafts[i]))
		if v.Sharded && len(drafts[i].slots) == 0 {
			s.passing[drafts[i].primary] = true
		}
	}
	fillSlots(v, drafts)
	s.keepTimes(v)
	return v
}

// shard builds one shard of a View, and lists its nodes there.
func (s *State) shard(v *View, i int, d *draft) Shard {
	shard := Shard{Index: i, Name: d.name, ConfigEpoch: d.epoch, Since: s.now}
	of := d.primary
	switch {
	case d.leave != nil:
		of = d.leave
		if was := s.continued(d); was != nil {
			shard.ConfigEpoch = was.ConfigEpoch
		}
		shard.Condition, shard.Demoted = Switching, d.leave.value()
		if d.next != nil {
			shard.Successor, shard.DemotedSilent = d.next.value(), d.leave.lost()
		}
	case d.suspect != "":
		shard.Condition = Suspect
		fallthrough
	default:
		shard.Primary, shard.Covers = d.primary.value(), d.primary.covers
		shard.Provisional = d.provisional
	}
	s.list(v, of)
	s.list(v, d.primary)
	s.members(v, &shard, of, d)
	if len(shard.Replicas) == 0 && s.readable(d) {
		shard.Replicas = append(shard.Replicas, d.leave.value())
	}
	slices.SortFunc(shard.Replicas, func(a, b *Node) int { return strings.Compare(a.Addr, b.Addr) })
	return shard
}

// readable reports whether a primary that is held for lack of confirmation may serve reads meanwhile, if there is no
// replica: it has all that was acknowledged, and nothing has been decided against it yet.
func (s *State) readable(d *draft) bool {
	e := d.leave
	return e != nil && d.next == nil && s.unconfirmed[e] != nil && e.fence == nil && e.alive() && e.reports(RolePrimary)
}

// fillSlots records the owner of each slot; patches come last, they are newer.
func fillSlots(v *View, drafts []draft) {
	if !v.Sharded {
		return
	}
	v.slots = new([Slots]int16)
	for i := range v.slots {
		v.slots[i] = -1
	}
	for i := range drafts {
		for _, r := range drafts[i].slots {
			for slot := r.First; slot <= r.Last; slot++ {
				v.slots[slot] = int16(i)
			}
		}
	}
	for i := range drafts {
		for _, slot := range drafts[i].patched {
			v.slots[slot] = int16(i)
		}
	}
}

// list adds a node to the View and records the lowest version.
func (s *State) list(v *View, e *entry) {
	n := e.value()
	v.Nodes[e.id] = n
	if !e.alive() || n.Version == "" {
		return
	}
	low := v.Lowest
	if low == nil || versionLess(n.Version, low.Version) || (n.Version == low.Version && n.ID < low.ID) {
		v.Lowest = n
	}
}

// publish numbers the View and sends it out, if it differs from the last.
func (s *State) publish(v *View) {
	if s.view != nil && v.same(s.view) {
		return
	}
	v.Epoch = 1
	if s.view != nil {
		v.Epoch = s.view.Epoch + 1
	}
	s.emitShards(v)
	s.noteUnused(v)
	s.view = v
	s.effects = append(s.effects, Publish{View: v})
	s.stand()
}

// stand records which nodes are primaries now, or being demoted: their histories are watched.
func (s *State) stand() {
	stands := map[*entry]bool{}
	for i := range s.view.Shards {
		shard := &s.view.Shards[i]
		if n := shard.Standing(); n != nil {
			stands[s.nodes.byID[n.ID]] = true
		}
		if shard.Demoted == nil {
			continue
		}
		if f := s.failovers[s.nodes.byID[shard.Demoted.ID]]; f != nil && f.heldEpoch == 0 {
			f.heldEpoch = s.view.Epoch
		}
	}
	for _, e := range s.nodes.byID {
		switch {
		case stands[e] && !e.standing:
			e.standing, e.trusted = true, history{}
			if !e.alive() && e.role.Role == RolePrimary { // it died after its proof, and may come back as another
				e.trusted = history{e.role.RunID, e.role.ReplID}
			}
			s.trust(e)
		case !stands[e] && e.standing:
			e.standing, e.covers, e.fence = false, nil, nil
			delete(s.eras, e)
			delete(s.failovers, e)
			delete(s.unconfirmed, e)
		}
	}
}

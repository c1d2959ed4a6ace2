package decide

import (
	"evergate/topology"
)

// Building a View from drafts.

// build returns the View of the drafts, with the epoch of the last one.
func (s *State) build(drafts []draft) *topology.View {
	v := &topology.View{Sharded: s.settings.Mode == ByCluster, Nodes: make([]*topology.Node, len(s.nodes.byID)),
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
func (s *State) shard(v *topology.View, i int, d *draft) topology.Shard {
	shard := topology.Shard{Index: i, Name: d.name, ConfigEpoch: d.epoch, Since: s.now}
	of := d.primary
	switch {
	case d.leave != nil:
		of = d.leave
		if was := s.continued(d); was != nil {
			shard.ConfigEpoch = was.ConfigEpoch
		}
		shard.Condition, shard.Demoted, shard.Fence = topology.Switching, d.leave.value(), d.fence
		if d.next != nil {
			shard.Successor, shard.DemotedSilent = d.next.value(), d.leave.lost()
		}
	case d.suspect != "":
		shard.Condition = topology.Suspect
		fallthrough
	default:
		shard.Primary, shard.Covers = d.primary.value(), d.primary.covers
		shard.Provisional = d.provisional
		shard.Copies = s.copies(d)
	}
	s.list(v, of)
	s.list(v, d.primary)
	s.members(v, &shard, of, d)
	if len(shard.Replicas) == 0 && s.readable(d) {
		shard.Replicas = append(shard.Replicas, d.leave.value())
	}
	shard.Sort(s.settings.Zone)
	return shard
}

// readable reports whether a primary that is held for lack of a majority may serve reads meanwhile, if there is no
// replica: it has all acknowledged writes, and no majority has named another yet.
func (s *State) readable(d *draft) bool {
	e := d.leave
	return e != nil && d.next == nil && (s.unconfirmed[e] != nil || d.fence != "") && e.fence == nil &&
		e.reports(topology.RolePrimary)
}

// fillSlots records the owner of each slot; patches come last, they are newer.
func fillSlots(v *topology.View, drafts []draft) {
	if !v.Sharded {
		return
	}
	v.Give(-1, topology.SlotRange{First: 0, Last: topology.Slots - 1})
	for i := range drafts {
		v.Give(i, drafts[i].slots...)
	}
	for i := range drafts {
		for _, slot := range drafts[i].patched {
			v.Give(i, topology.SlotRange{First: slot, Last: slot})
		}
	}
}

// list adds a node to the View and records the lowest version.
func (s *State) list(v *topology.View, e *entry) {
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

// publish numbers the View and adds it to the effects, if it differs from the last.
func (s *State) publish(v *topology.View) {
	if s.view != nil && v.Same(s.view) {
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

// stand records which nodes are primaries now, or being demoted: their histories are checked.
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
			if !e.alive() && e.role.Role == topology.RolePrimary { // it died after its proof: its history may change
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

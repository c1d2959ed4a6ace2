package topology

import (
	"slices"
	"strings"
)

// How drafts become a View.

// serves says whether a node may answer reads as a replica of primary, by what it says itself. One that did so far
// goes on while its primary is gone or left, with what it has: its link went down with that primary. So does one that
// nobody had seen synchronized before, and the successor that is not in its place yet.
func (s *State) serves(e, primary *entry, d *draft, did bool) bool {
	if e == primary || !e.alive() {
		return false
	}
	r := &e.role
	without := (did || has(e, primary)) && (d.leave != nil || d.suspect != "")
	switch {
	case r.Role == RoleRefused, without && (e == d.primary || e == d.candidate) && r.Role == RolePrimary:
		return true
	case r.Role != RoleReplica || r.Syncing || !r.LinkUp && !without:
		return false
	}
	if r.Priority == 0 && !s.named[e.addr] {
		return false
	}
	// A replica that follows another node we know, one that does not follow the primary itself, is left over from
	// before a switch: what it has is not this primary's.
	up := s.nodes.byAddr[MapAddr(s.settings.AddressMap, r.Primary)]
	if up == nil || up == primary || up.says(RoleReplica) {
		return true
	}
	return up.role.RunID != "" && up.role.RunID == primary.role.RunID
}

// has says that a replica has the history of a primary, with all that the primary told of.
func has(e, primary *entry) bool {
	r, of := &e.role, &primary.role
	return of.ReplID != "" && r.ReplID == of.ReplID && of.Offset >= 0 && r.Offset >= of.Offset
}

// build makes the View that the drafts ask for, with the number of the last.
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

// shard makes one shard of a View, and lists its nodes there.
func (s *State) shard(v *View, i int, d *draft) Shard {
	shard := Shard{Index: i, Name: d.name, ConfigEpoch: d.epoch, Since: s.now}
	of := d.primary
	switch {
	case d.leave != nil:
		of = d.leave
		if was := s.continued(d); was != nil {
			shard.ConfigEpoch = was.ConfigEpoch
		}
		shard.Condition, shard.Former = Switching, d.leave.value()
		if d.next != nil {
			shard.Successor, shard.FormerMute = d.next.value(), d.leave.lost()
		}
	case d.suspect != "":
		shard.Condition = Suspect
		fallthrough
	default:
		shard.Primary, shard.Covers = d.primary.value(), d.primary.covers
	}
	s.list(v, of)
	s.list(v, d.primary)
	replicas := d.replicas
	if of != d.primary {
		replicas = append(slices.Clone(replicas), d.primary)
	}
	for _, e := range replicas {
		s.list(v, e)
		if s.serves(e, of, d, s.served(d, e)) {
			shard.Replicas = append(shard.Replicas, e.value())
		}
	}
	for _, e := range d.others {
		s.list(v, e)
	}
	if len(shard.Replicas) == 0 && s.readable(d) {
		shard.Replicas = append(shard.Replicas, d.leave.value())
	}
	slices.SortFunc(shard.Replicas, func(a, b *Node) int { return strings.Compare(a.Addr, b.Addr) })
	return shard
}

// readable says of a primary that is held because nobody has confirmed it that it may be read from meanwhile, where
// there is no replica: whatever was acknowledged is there, and nobody has decided against it yet.
func (s *State) readable(d *draft) bool {
	e := d.leave
	return e != nil && d.next == nil && s.unconfirmed[e] != nil && e.fence == nil && e.alive() && e.says(RolePrimary)
}

// served says that a node was among the replicas of the shard that a draft goes on with.
func (s *State) served(d *draft, e *entry) bool {
	shard := s.continued(d)
	return shard != nil && slices.ContainsFunc(shard.Replicas, func(n *Node) bool { return n.ID == e.id })
}

// fillSlots writes who serves which slot; patches come last, they are newer.
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

// list puts a node into the View and takes note when it is the one with the lowest version.
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

// publish numbers the View and sends it out, when it says anything new.
func (s *State) publish(v *View) {
	if s.view != nil && v.same(s.view) {
		return
	}
	v.Epoch = 1
	if s.view != nil {
		v.Epoch = s.view.Epoch + 1
	}
	s.tellShards(v)
	s.view = v
	s.effects = append(s.effects, Publish{View: v})
	s.stand()
}

// stand notes which nodes are primaries now, or are being left: their histories are watched.
func (s *State) stand() {
	stands := map[*entry]bool{}
	for i := range s.view.Shards {
		shard := &s.view.Shards[i]
		if n := shard.Standing(); n != nil {
			stands[s.nodes.byID[n.ID]] = true
		}
		if shard.Former == nil {
			continue
		}
		if f := s.failovers[s.nodes.byID[shard.Former.ID]]; f != nil && f.heldEpoch == 0 {
			f.heldEpoch = s.view.Epoch
		}
	}
	for _, e := range s.nodes.byID {
		switch {
		case stands[e] && !e.standing:
			e.standing, e.trusted = true, history{}
			if !e.alive() && e.role.Role == RolePrimary { // it died behind its proof, and may come back as another
				e.trusted = history{e.role.RunID, e.role.ReplID}
			}
			s.trust(e)
		case !stands[e] && e.standing:
			e.standing, e.covers, e.fence = false, false, nil
			delete(s.eras, e)
			delete(s.failovers, e)
			delete(s.unconfirmed, e)
		}
	}
}

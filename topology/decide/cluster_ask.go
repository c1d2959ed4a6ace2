package decide

import (
	"slices"

	"evergate/topology"
)

// Which nodes of a cluster are asked, when, and which slots a MOVED patches meanwhile.

// owner returns the owner of a slot by the answers, nil for none.
func (r *cluster) owner(slot int) *entry {
	if i := r.owners[slot]; i >= 0 {
		return r.shards[i].primary
	}
	return nil
}

func (r *cluster) moved(o topology.Report) {
	from := r.s.reported(o.Node)
	host, port := topology.SplitAddr(o.Addr)
	if host == "" && from != nil {
		host, _ = topology.SplitAddr(from.announced)
	}
	if host == "" || host == "?" || port == "" || port == "0" || o.Slot < 0 || o.Slot >= topology.Slots {
		return
	}
	to := r.s.nodes.announced(topology.JoinAddr(host, port))
	if to.lost() {
		r.worry() // the sender has not heard of a failover yet
		return
	}
	if owner := r.owner(o.Slot); owner != nil && r.of(to) == nil && r.replica(to) {
		// A replica that owns slots was just promoted: all slots move together, in two steps.
		r.worry()
		r.s.chase(to)
		r.s.chase(owner)
		r.s.refresh(to.addr)
		return
	}
	if old, ok := r.patches[o.Slot]; ok && old.to == to {
		return
	}
	r.s.stale = true
	if to == r.owner(o.Slot) {
		delete(r.patches, o.Slot)
		return
	}
	r.patches[o.Slot] = patch{from: r.owner(o.Slot), to: to, at: r.s.now}
}

// replica reports whether a node is a replica of a primary with slots by the maps.
func (r *cluster) replica(e *entry) bool {
	return slices.ContainsFunc(r.shards, func(m *merged) bool {
		return slices.Contains(m.replicas, e) || slices.Contains(m.others, e)
	})
}

// worry makes refreshes frequent for a while.
func (r *cluster) worry() { r.worriedUntil = r.s.now.Add(worriedFor) }

// troubled reports whether there was a sign of trouble, or a failover is under way that is not hopelessly long.
func (r *cluster) troubled() bool {
	if r.s.now.Before(r.worriedUntil) {
		return true
	}
	for _, f := range r.s.failovers {
		if r.s.now.Sub(f.began) < worriedLongest {
			return true
		}
	}
	return false
}

func (r *cluster) dropPatches() {
	for slot, p := range r.patches {
		if r.owner(slot) != p.from || r.s.now.Sub(p.at) > patchFor {
			delete(r.patches, slot)
			r.s.stale = true
		}
	}
}

// refresh asks for the slot maps when it is due.
func (r *cluster) refresh() {
	gap := r.s.settings.RefreshEvery
	switch {
	case r.troubled() && len(r.shards) > 0:
		gap = worriedEvery
	case r.hurry:
		gap = refreshGap
	case len(r.shards) == 0 || len(r.s.failovers) > 0:
		gap = refreshFirst
	}
	if !r.refreshAt.IsZero() && r.s.now.Sub(r.refreshAt) < gap {
		return
	}
	r.refreshAt, r.hurry = r.s.now, false
	r.s.refresh(r.ask()...)
}

// ask picks the nodes of the next refresh: those that a MOVED named, and others in turn, among those that answer. Seeds
// are asked if there is no other; their names are resolved at each dial.
func (r *cluster) ask() []string {
	var alive []*entry
	for _, e := range r.s.nodes.byID {
		if e.alive() && r.member(e) && r.strangers[e].IsZero() {
			alive = append(alive, e)
		}
	}
	var names []string
	add := func(addr string) {
		if !slices.Contains(names, addr) {
			names = append(names, addr)
		}
	}
	for _, p := range r.patches {
		if len(names) == 0 && p.to.alive() {
			add(p.to.addr)
		}
	}
	most := askMax
	if r.troubled() {
		most = worriedMax
	}
	for i := 0; i < len(alive) && len(names) < most; i++ {
		add(alive[(r.turn+i)%len(alive)].addr)
	}
	r.turn += most
	if len(alive) > 0 {
		return names
	}
	for i, seed := range r.s.settings.Seeds {
		if i < seedsMax {
			add(topology.MapAddr(r.s.settings.AddressMap, seed))
		}
	}
	return names
}

func (r *cluster) member(e *entry) bool {
	for _, m := range r.shards {
		if m.primary == e || slices.Contains(m.replicas, e) || slices.Contains(m.others, e) {
			return true
		}
	}
	return slices.Contains(r.spare, e)
}

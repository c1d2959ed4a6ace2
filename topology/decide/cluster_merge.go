package decide

import (
	"cmp"
	"slices"

	"evergate/topology"
)

// Merging the slot maps of several nodes.

// merged is one primary with slots.
type merged struct {
	primary *entry
	epoch   uint64
	healthy bool
	// answers counts the answers with this epoch; members are all replicas in them, wells the number of answers in which
	// each is healthy.
	answers          int
	members          []*entry
	wells            []int
	replicas, others []*entry
	slots            []topology.SlotRange
}

// merge merges the answers.
func (r *cluster) merge() {
	r.s.stale = true
	r.shards, r.spare = nil, nil
	for i := range r.owners {
		r.owners[i] = -1
	}
	newest := make([]*answer, 0, len(r.answers))
	for _, a := range r.answers {
		newest = append(newest, a)
	}
	slices.SortFunc(newest, func(a, b *answer) int {
		return cmp.Or(b.at.Compare(a.at), cmp.Compare(b.order, a.order))
	})
	index := map[*entry]int16{}
	for _, a := range newest {
		for i := range a.seen.Shards {
			r.note(&a.seen.Shards[i], index)
		}
	}
	for _, m := range r.shards {
		m.parts()
	}
	r.claimByEpoch(newest, index)
	r.claimByVotes(newest, index)
	r.keepOwners()
}

// note records a primary and, from the answers with its highest epoch, its replicas: nodes learn of them one after the
// other, and the last to answer may be behind.
func (r *cluster) note(seen *topology.ShardSeen, index map[*entry]int16) {
	e := r.s.nodes.announced(seen.Primary.Addr)
	i, ok := index[e]
	if !ok {
		i = int16(len(r.shards))
		index[e] = i
		r.shards = append(r.shards, &merged{primary: e})
	}
	m := r.shards[i]
	switch {
	case !ok || seen.Epoch > m.epoch:
		*m = merged{primary: e, epoch: seen.Epoch, healthy: seen.Primary.Healthy}
	case seen.Epoch < m.epoch:
		return
	}
	m.answers++
	for _, v := range seen.Replicas {
		node := r.s.nodes.announced(v.Addr)
		at := slices.Index(m.members, node)
		if at < 0 {
			at = len(m.members)
			m.members, m.wells = append(m.members, node), append(m.wells, 0)
		}
		if v.Healthy {
			m.wells[at]++
		}
	}
}

// parts divides the members into those that may serve reads, by half of the answers and by their own report, and the
// others.
func (m *merged) parts() {
	for i, e := range m.members {
		if 2*m.wells[i] >= m.answers {
			m.replicas = append(m.replicas, e)
		} else {
			m.others = append(m.others, e)
		}
	}
}

func (r *cluster) claimByEpoch(newest []*answer, index map[*entry]int16) {
	var epochs [topology.Slots]uint64
	for _, a := range newest {
		if !a.seen.HasEpochs {
			continue
		}
		for _, shard := range a.seen.Shards {
			i := index[r.s.nodes.announced(shard.Primary.Addr)]
			for _, span := range shard.Slots {
				for slot := span.First; slot <= span.Last; slot++ {
					if r.owners[slot] < 0 || shard.Epoch > epochs[slot] {
						r.owners[slot], epochs[slot] = i, shard.Epoch
					}
				}
			}
		}
	}
}

// claimByVotes gives slots that are claimed without an epoch to the node that most answers name.
func (r *cluster) claimByVotes(newest []*answer, index map[*entry]int16) {
	var voters []*answer
	for _, a := range newest {
		if !a.seen.HasEpochs {
			voters = append(voters, a)
		}
	}
	slices.SortFunc(voters, func(a, b *answer) int { return cmp.Compare(a.order, b.order) })
	votes := make([][topology.Slots]int16, len(voters))
	for v, a := range voters {
		for slot := range votes[v] {
			votes[v][slot] = -1
		}
		for _, shard := range a.seen.Shards {
			i := index[r.s.nodes.announced(shard.Primary.Addr)]
			for _, span := range shard.Slots {
				for slot := span.First; slot <= span.Last; slot++ {
					votes[v][slot] = i
				}
			}
		}
	}
	for slot := range r.owners {
		if r.owners[slot] >= 0 {
			continue
		}
		best := 0
		for v := range votes {
			count := 0
			for w := range votes {
				if votes[w][slot] == votes[v][slot] {
					count++
				}
			}
			if votes[v][slot] >= 0 && count > best {
				r.owners[slot], best = votes[v][slot], count
			}
		}
	}
}

// keepOwners drops primaries that own nothing, orders the others by their lowest slots, and sets their ranges.
func (r *cluster) keepOwners() {
	order := make([]int16, len(r.shards))
	for i := range order {
		order[i] = -1
	}
	var kept []*merged
	for slot := range r.owners {
		old := r.owners[slot]
		if old < 0 {
			continue
		}
		if order[old] < 0 {
			order[old] = int16(len(kept))
			kept = append(kept, r.shards[old])
		}
		m := r.shards[old]
		r.owners[slot] = order[old]
		if n := len(m.slots); n > 0 && m.slots[n-1].Last == slot-1 {
			m.slots[n-1].Last = slot
		} else {
			m.slots = append(m.slots, topology.SlotRange{First: slot, Last: slot})
		}
	}
	for i, m := range r.shards {
		if order[i] < 0 {
			r.spare = append(r.spare, m.primary)
			r.spare = append(append(r.spare, m.replicas...), m.others...)
		}
	}
	r.shards = kept
}

func (m *merged) suspect() string {
	if m.primary.lost() {
		return m.primary.lostWhy
	}
	return ""
}

// held returns why the primary takes no writes any more: by its own report, or that of a majority of the primaries.
func (m *merged) held() string {
	switch {
	case m.primary.reports(topology.RoleReplica):
		return "reports to be a replica"
	case !m.healthy:
		return "marked fail"
	}
	return ""
}

package topology

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Limits of the cluster rule.
const (
	// askMax is how many nodes are asked in one refresh, seedsMax how many seeds at the start.
	askMax   = 3
	seedsMax = 5
	// While something is wrong worriedMax nodes are asked every worriedEvery, until worriedFor after its last sign, or
	// as long as a failover is under way, for worriedLongest at most.
	worriedMax     = 24
	worriedEvery   = TickEvery
	worriedFor     = 2 * time.Second
	worriedLongest = time.Minute
	// patchFor is how long a MOVED stands against the slot maps that do not agree with it.
	patchFor = 2 * time.Second
	// answersKeptFor is how much older than the newest an answer may be, in refreshes.
	answersKeptFor = 3
	// refreshFirst is the time between two refreshes while no node has answered yet, and in a lasting trouble.
	refreshFirst = 500 * time.Millisecond
	// nodeTimeoutDefault is cluster-node-timeout where no node tells it; the servers' own default.
	nodeTimeoutDefault = 15 * time.Second
	// refreshDefault is Settings.RefreshEvery where it is zero.
	refreshDefault = 3 * time.Second
)

// cluster is the rule of a Redis Cluster. Several nodes are asked, others each time; of what they answer the highest
// config epoch wins a slot, and between equal epochs the newest answer (the node has a new address). Where epochs are
// not told the majority wins, then the node that was asked first. A MOVED patches its slot until the maps have caught
// up with it.
type cluster struct {
	s       *State
	answers map[string]*answer
	asked   int
	patches map[int]patch
	// owners and shards are what the answers add up to: owners[slot] is an index into shards, -1 for nobody.
	owners [Slots]int16
	shards []*merged
	// spare are nodes without slots.
	spare []*entry
	// awaited are the seeds of the first refresh that have not answered.
	awaited   map[string]bool
	refreshAt time.Time
	// hurry asks for one refresh soon, worriedUntil for many.
	hurry        bool
	worriedUntil time.Time
	turn         int
	// nodeTimeout is the longest cluster-node-timeout that was told.
	nodeTimeout time.Duration
}

// answer is the newest slot map of one node.
type answer struct {
	seen SlotsSeen
	at   time.Time
	// order is the number of the first answer of this node: the first-asked has the lowest.
	order int
}

// merged is one primary with slots.
type merged struct {
	primary          *entry
	epoch            uint64
	healthy          bool
	replicas, others []*entry
	slots            []SlotRange
}

// patch is the word of a MOVED.
type patch struct {
	// from is who owned the slot then, by the answers (nil for nobody); once they say something else they are newer.
	from, to *entry
	at       time.Time
}

func newCluster(s *State) *cluster {
	if s.settings.RefreshEvery <= 0 {
		s.settings.RefreshEvery = refreshDefault
	}
	r := &cluster{s: s, answers: map[string]*answer{}, patches: map[int]patch{}, awaited: map[string]bool{}}
	for i := range r.owners {
		r.owners[i] = -1
	}
	for i, seed := range s.settings.Seeds {
		if i < seedsMax {
			r.awaited[MapAddr(s.settings.AddressMap, seed)] = true
		}
	}
	return r
}

func (r *cluster) observe(o Observation) {
	switch o := o.(type) {
	case SlotsSeen:
		r.slotsSeen(o)
	case NodeLost:
		delete(r.awaited, o.Addr)
		// With epochs the word of a lost node stands until it is too old: what it had won nobody else may know yet.
		if a := r.answers[o.Addr]; a != nil && len(r.answers) > 1 && !a.seen.HasEpochs {
			delete(r.answers, o.Addr)
			r.merge()
		}
		if r.s.nodes.dial(o.Addr).losses == 1 {
			r.worry()
		}
	case RoleSeen:
		e := r.s.nodes.dial(o.Addr)
		switch m := r.of(e); {
		case m != nil && o.Role == RoleReplica, m == nil && o.Role == RolePrimary && r.replica(e):
			r.worry()
		}
	case Report:
		if o.Kind == Moved {
			r.moved(o)
			r.hurry = true
		} else {
			r.worry()
		}
	}
	r.dropPatches()
	r.refresh()
}

func (r *cluster) slotsSeen(o SlotsSeen) {
	delete(r.awaited, o.Asked)
	r.s.alarm("slots of "+o.Asked, o.Refused)
	r.nodeTimeout = max(r.nodeTimeout, o.NodeTimeout)
	if o.Refused != "" {
		return
	}
	a := r.answers[o.Asked]
	if a == nil {
		r.asked++
		a = &answer{order: r.asked}
		r.answers[o.Asked] = a
	}
	a.seen, a.at = o, r.s.now
	keep := answersKeptFor * r.s.settings.RefreshEvery
	for asked, old := range r.answers {
		if r.s.now.Sub(old.at) > keep {
			delete(r.answers, asked)
		}
	}
	r.merge()
}

// merge adds the answers up.
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
			r.know(&a.seen.Shards[i], index)
		}
	}
	r.claimByEpoch(newest, index)
	r.claimByVotes(newest, index)
	r.keepOwners()
}

// know notes a primary and, from the newest answer with its highest epoch, its replicas.
func (r *cluster) know(seen *ShardSeen, index map[*entry]int16) {
	e := r.s.nodes.announced(seen.Primary.Addr)
	i, ok := index[e]
	if !ok {
		i = int16(len(r.shards))
		index[e] = i
		r.shards = append(r.shards, &merged{primary: e})
	}
	m := r.shards[i]
	if ok && seen.Epoch <= m.epoch {
		return
	}
	*m = merged{primary: e, epoch: seen.Epoch, healthy: seen.Primary.Healthy}
	for _, v := range seen.Replicas {
		node := r.s.nodes.announced(v.Addr)
		if v.Healthy {
			m.replicas = append(m.replicas, node)
		} else {
			m.others = append(m.others, node)
		}
	}
}

func (r *cluster) claimByEpoch(newest []*answer, index map[*entry]int16) {
	var epochs [Slots]uint64
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

// claimByVotes gives the slots that nobody claims by an epoch to whom most answers name.
func (r *cluster) claimByVotes(newest []*answer, index map[*entry]int16) {
	var voters []*answer
	for _, a := range newest {
		if !a.seen.HasEpochs {
			voters = append(voters, a)
		}
	}
	slices.SortFunc(voters, func(a, b *answer) int { return cmp.Compare(a.order, b.order) })
	votes := make([][Slots]int16, len(voters))
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

// keepOwners drops the primaries that own nothing, puts the others in the order of their lowest slots, and gives
// them their ranges.
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
			m.slots = append(m.slots, SlotRange{slot, slot})
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

func (r *cluster) heard() bool { return len(r.awaited) == 0 }

func (r *cluster) draft() []draft {
	if len(r.shards) == 0 {
		return nil
	}
	drafts := make([]draft, 0, len(r.shards)+1)
	index := map[*entry]int{}
	for i, m := range r.shards {
		index[m.primary] = i
		drafts = append(drafts, draft{name: rangesName(m.slots), epoch: m.epoch, primary: m.primary,
			replicas: m.replicas, others: m.others, suspect: m.suspect(), held: m.held(), slots: m.slots,
			why: fmt.Sprintf("has the slots with config epoch %d", m.epoch)})
	}
	drafts[0].others = append(slices.Clone(drafts[0].others), r.spare...)
	order := make([]int, 0, len(r.patches))
	for slot := range r.patches {
		order = append(order, slot)
	}
	slices.Sort(order)
	for _, slot := range order {
		to := r.patches[slot].to
		i, ok := index[to]
		if !ok {
			i = len(drafts)
			index[to] = i
			drafts = append(drafts, draft{name: fmt.Sprintf("moved %d", slot), primary: to})
		}
		drafts[i].patched = append(drafts[i].patched, slot)
	}
	return drafts
}

func (m *merged) suspect() string {
	if m.primary.lost() {
		return m.primary.lostWhy
	}
	return ""
}

// held says why the primary takes no writes any more: its own word, or that of a majority of the primaries.
func (m *merged) held() string {
	switch {
	case m.primary.says(RoleReplica):
		return "says replica"
	case !m.healthy:
		return "marked fail"
	}
	return ""
}

// of is the shard that a node is primary of by the maps, or nil.
func (r *cluster) of(e *entry) *merged {
	for _, m := range r.shards {
		if m.primary == e {
			return m
		}
	}
	return nil
}

func (r *cluster) names(e *entry) bool {
	m := r.of(e)
	return m != nil && m.healthy
}

func (r *cluster) downAfter() time.Duration {
	if r.nodeTimeout == 0 {
		return nodeTimeoutDefault
	}
	return r.nodeTimeout
}

// rangesName names a shard by its slots: "0-5460", "0-99 and 3 more".
func rangesName(slots []SlotRange) string {
	name := fmt.Sprintf("%d-%d", slots[0].First, slots[0].Last)
	if len(slots) > 1 {
		name += fmt.Sprintf(" and %d more", len(slots)-1)
	}
	return name
}

package decide

import (
	"fmt"
	"slices"
	"time"

	"evergate/topology"
)

// Limits of the cluster rule.
const (
	// askMax is how many nodes are asked in one refresh, seedsMax how many seeds at the start.
	askMax   = 3
	seedsMax = 5
	// While something is wrong worriedMax nodes are asked every worriedEvery, until worriedFor after its last sign, or
	// during a failover, for worriedLongest at most.
	worriedMax     = 24
	worriedEvery   = topology.TickEvery
	worriedFor     = 2 * time.Second
	worriedLongest = time.Minute
	// patchFor is how long a MOVED overrides slot maps that disagree with it.
	patchFor = 2 * time.Second
	// answersKeptFor is how much older than the newest an answer may be, in refreshes.
	answersKeptFor = 3
	// refreshFirst is the time between two refreshes before the first answer, and in lasting trouble.
	refreshFirst = 500 * time.Millisecond
	// nodeTimeoutDefault is cluster-node-timeout if no node reports it; the servers' own default.
	nodeTimeoutDefault = 15 * time.Second
	// refreshDefault is Settings.RefreshEvery where it is zero.
	refreshDefault = 3 * time.Second
)

// cluster is the rule of a Redis Cluster. Several nodes are asked, others each time; for each slot the highest config
// epoch wins, and between equal epochs the newest answer. Without epochs the majority wins, then the node that was
// asked first. A MOVED patches its slot until the maps have caught up with it.
type cluster struct {
	s       *State
	answers map[string]*answer
	asked   int
	patches map[int]patch
	// owners and shards are the merged answers: owners[slot] is an index into shards, -1 for none.
	owners [topology.Slots]int16
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
	// ids are those of all nodes in the last answers; strangers are nodes of another cluster, with the time since when.
	ids       map[string]bool
	strangers map[*entry]time.Time
	// nodeTimeout is the longest cluster-node-timeout that was reported.
	nodeTimeout time.Duration
}

// answer is the newest slot map of one node.
type answer struct {
	seen topology.SlotsSeen
	at   time.Time
	// order is the number of the first answer of this node: the one asked first has the lowest.
	order int
}

// patch is the content of a MOVED.
type patch struct {
	// from owned the slot then, by the answers (nil for none); once these name another owner they are newer.
	from, to *entry
	at       time.Time
}

func newCluster(s *State) *cluster {
	if s.settings.RefreshEvery <= 0 {
		s.settings.RefreshEvery = refreshDefault
	}
	r := &cluster{s: s, answers: map[string]*answer{}, patches: map[int]patch{}, awaited: map[string]bool{},
		ids: map[string]bool{}, strangers: map[*entry]time.Time{}}
	for i := range r.owners {
		r.owners[i] = -1
	}
	for i, seed := range s.settings.Seeds {
		if i < seedsMax {
			r.awaited[topology.MapAddr(s.settings.AddressMap, seed)] = true
		}
	}
	return r
}

func (r *cluster) observe(o topology.Observation) {
	switch o := o.(type) {
	case topology.SlotsSeen:
		r.slotsSeen(o)
	case topology.NodeLost:
		delete(r.awaited, o.Addr)
		// With epochs the answer of a lost node counts until it is too old: no other node may know yet what it had won.
		if a := r.answers[o.Addr]; a != nil && len(r.answers) > 1 && !a.seen.HasEpochs {
			delete(r.answers, o.Addr)
			r.merge()
		}
		if r.s.nodes.dial(o.Addr).losses == 1 {
			r.worry()
		}
	case topology.RoleSeen:
		e := r.s.nodes.dial(o.Addr)
		switch m := r.of(e); {
		case m != nil && o.Role == topology.RoleReplica, m == nil && o.Role == topology.RolePrimary && r.replica(e):
			r.worry()
		}
	case topology.Report:
		if o.Kind == topology.Moved {
			r.moved(o)
			r.hurry = true
		} else {
			r.worry()
		}
	}
	r.dropPatches()
	r.refresh()
}

func (r *cluster) slotsSeen(o topology.SlotsSeen) {
	delete(r.awaited, o.Asked)
	r.s.alarm("slots of "+o.Asked, o.Refused)
	r.nodeTimeout = max(r.nodeTimeout, o.NodeTimeout)
	if o.Refused != "" {
		return
	}
	keep := answersKeptFor * r.s.settings.RefreshEvery
	for asked, old := range r.answers {
		if r.s.now.Sub(old.at) > keep {
			delete(r.answers, asked)
		}
	}
	if r.refuse(o) {
		return
	}
	a := r.answers[o.Asked]
	if a == nil {
		r.asked++
		a = &answer{order: r.asked}
		r.answers[o.Asked] = a
	}
	a.seen, a.at = o, r.s.now
	r.know()
	r.merge()
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
	drafts[0].guests = r.spare
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

// of returns the shard whose primary a node is by the maps, or nil.
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
	return m != nil && m.healthy && r.strangers[e].IsZero()
}

func (r *cluster) downAfter() time.Duration {
	if r.nodeTimeout == 0 {
		return nodeTimeoutDefault
	}
	return r.nodeTimeout
}

func (r *cluster) against() string { return "most queried nodes report it as failed or loading" }

// rangesName names a shard by its slots: "0-5460", "0-99 and 3 more".
func rangesName(slots []topology.SlotRange) string {
	name := fmt.Sprintf("%d-%d", slots[0].First, slots[0].Last)
	if len(slots) > 1 {
		name += fmt.Sprintf(" and %d more", len(slots)-1)
	}
	return name
}

package topology

import (
	"slices"
	"strings"
	"time"
)

// Times of State. They are limits on how long it waits for more facts, not promises.
const (
	// probeEvery is how often each node is asked for its role.
	probeEvery = time.Second
	// chaseEvery is how often a node that should be the new primary is asked whether it is.
	chaseEvery = TickEvery
	// settleFor is how long a first View waits for the other voices that were asked, from the first one on.
	settleFor = 300 * time.Millisecond
	// refreshGap is the shortest time between two refreshes that workers or messages ask for.
	refreshGap = 100 * time.Millisecond
)

// Mode says who knows the topology of a service.
type Mode uint8

const (
	// BySentinel: Sentinels watch one primary.
	BySentinel Mode = iota
	// ByCluster: the nodes of a Redis Cluster know it.
	ByCluster
	// Plain: a list in the settings, checked against what the servers say of themselves.
	Plain
)

// Settings of the State of one service.
type Settings struct {
	Mode Mode
	// Shard names the only shard where keys are not spread by slot.
	Shard string
	// Sentinels are the addresses to hear before a first View is made.
	Sentinels []string
	// Seeds are the cluster nodes to ask first (host:port).
	Seeds []string
	// Primary and Replicas are those of a plain list (host:port). Replicas named here get reads whatever their
	// priority, in any mode.
	Primary  string
	Replicas []string
	// AddressMap rewrites announced addresses; see MapAddr.
	AddressMap map[string]string
	// RefreshEvery is the time between two refreshes of a cluster's slot map.
	RefreshEvery time.Duration
	// Barrier says that there are workers: a View with a new primary waits until they are Settled.
	Barrier bool
}

// Effect is one thing State wants done: Probe, Refresh or Publish.
type Effect interface{ effect() }

func (Probe) effect()   {}
func (Refresh) effect() {}
func (Publish) effect() {}

// Probe asks for the role of the node at a dial address: a RoleSeen or a NodeLost answers it.
type Probe struct {
	Addr string
	Node NodeID
}

// Refresh asks those who know the topology again. Ask names them: Sentinels as they were named in an observation,
// or dial addresses of cluster nodes. In a plain list it is empty and means: resolve the names again.
type Refresh struct{ Ask []string }

// Publish stores a new View.
type Publish struct{ View *View }

// State is the machine of one service. It is a value with one method that matters; only the keeper calls it.
//
// What Sentinels, cluster nodes and a list of settings mean differs; that part is a rule. What is common is here: the
// book of nodes, who is probed when, which replicas may serve reads, and how a draft becomes a numbered View.
//
// Not taken: one machine for all modes with a switch in each place (what is true of epochs under Sentinel is false of
// a plain list), and views made by watch (then no script could replay a failover).
type State struct {
	settings Settings
	nodes    *nodes
	rule     rule
	named    map[string]bool
	view     *View
	now      time.Time
	// startedAt is the time of the first fact that could make a View.
	startedAt time.Time
	// stale says that something changed since the last View was built; time alone changes little.
	stale   bool
	effects []Effect
	events  []Event
	alarms  map[string]string
}

// rule is what the three modes do differently.
type rule interface {
	// observe takes in a fact; State has already put roles and losses into the book.
	observe(o Observation)
	// draft says what the View should be now; nil while nothing is known.
	draft() []draft
	// heard says that all voices asked at the start have been heard or are lost.
	heard() bool
}

// draft is one shard as a rule wants it.
type draft struct {
	name    string
	epoch   uint64
	primary *entry
	// replicas are those that may serve reads as far as the rule knows; State drops those that cannot.
	replicas []*entry
	// others belong to the shard and get no reads.
	others []*entry
	// suspect says why the primary is not trusted; empty when it is.
	suspect string
	// slots are those it serves; patched are single ones that others were said to serve.
	slots   []SlotRange
	patched []int
}

// NewState makes the State of one service. The first Step may be a Tick: it asks for what is needed to begin.
func NewState(settings Settings) *State {
	s := &State{settings: settings, nodes: newNodes(settings.AddressMap), alarms: map[string]string{}}
	s.named = map[string]bool{}
	for _, r := range settings.Replicas {
		s.named[MapAddr(settings.AddressMap, r)] = true
	}
	switch settings.Mode {
	case BySentinel:
		s.rule = newSentinels(s)
	case ByCluster:
		s.rule = newCluster(s)
	default:
		s.rule = newPlain(s)
	}
	return s
}

// View is the last one published, nil before the first.
func (s *State) View() *View { return s.view }

// Step takes in one observation made at now. The slices it returns are the caller's.
func (s *State) Step(o Observation, now time.Time) ([]Effect, []Event) {
	s.now = now
	s.effects, s.events = nil, nil
	switch o.(type) {
	case Tick, RoleSeen, NodeLost, Report:
		// These say whether they changed anything: they come often, and most say what is known.
	default:
		s.stale = true
	}
	switch o := o.(type) {
	case RoleSeen:
		s.roleSeen(o)
	case NodeLost:
		s.nodeLost(o)
	case Report:
		if e := s.reported(o.Node); e != nil && o.Kind != Moved {
			s.probe(e, chaseEvery)
		}
	}
	s.rule.observe(o)
	drafts := s.rule.draft()
	s.probeMembers(drafts)
	if s.stale && s.ready(drafts) {
		s.stale = false
		s.publish(s.build(drafts))
	}
	return s.effects, s.events
}

func (s *State) roleSeen(o RoleSeen) {
	e := s.nodes.dial(o.Addr)
	if e.lost() {
		s.event(Event{Kind: NodeHeard, Subject: e.addr})
	}
	if o.Version == "" {
		o.Version = e.role.Version
	}
	s.stale = s.stale || e.lost() || !e.answered() || !e.role.same(&o)
	e.role, e.roleAt, e.losses, e.lostWhy = o, s.now, 0, ""
}

func (s *State) nodeLost(o NodeLost) {
	e := s.nodes.dial(o.Addr)
	if !e.lost() {
		s.stale = true
		s.event(Event{Kind: NodeGone, Subject: e.addr, Why: o.Why})
	}
	e.losses++
	e.lostWhy = o.Why
}

// reported finds the node of a Report, or nil.
func (s *State) reported(id NodeID) *entry {
	if id < 0 || int(id) >= len(s.nodes.byID) {
		return nil
	}
	return s.nodes.byID[id]
}

// probe asks a node for its role unless it was asked less than gap ago.
func (s *State) probe(e *entry, gap time.Duration) {
	if !e.probedAt.IsZero() && s.now.Sub(e.probedAt) < gap {
		return
	}
	e.probedAt = s.now
	s.effects = append(s.effects, Probe{Addr: e.addr, Node: e.id})
}

func (s *State) refresh(ask ...string) {
	s.effects = append(s.effects, Refresh{Ask: ask})
}

func (s *State) event(e Event) { s.events = append(s.events, e) }

// alarm tells a lasting trouble once: again only when its text changes. An empty text ends it.
func (s *State) alarm(key, why string) {
	if s.alarms[key] == why {
		return
	}
	s.alarms[key] = why
	if why != "" {
		s.event(Event{Kind: Alarm, Subject: key, Why: why})
	}
}

func (s *State) probeMembers(drafts []draft) {
	for i := range drafts {
		d := &drafts[i]
		s.probe(d.primary, probeEvery)
		for _, e := range d.replicas {
			s.probe(e, probeEvery)
		}
		for _, e := range d.others {
			s.probe(e, probeEvery)
		}
	}
}

// ready holds a first View back, for settleFor at most, until all who were asked have answered or failed: otherwise
// the first Sentinel or node to answer would decide alone, and replicas would come and go at each start.
func (s *State) ready(drafts []draft) bool {
	if len(drafts) == 0 {
		return false
	}
	if s.view != nil {
		return true
	}
	if s.startedAt.IsZero() {
		s.startedAt = s.now
	}
	if s.now.Sub(s.startedAt) >= settleFor {
		return true
	}
	for i := range drafts {
		unsettled := func(e *entry) bool { return !e.settled() }
		if unsettled(drafts[i].primary) || slices.ContainsFunc(drafts[i].replicas, unsettled) {
			return false
		}
	}
	return s.rule.heard()
}

// serves says whether a node may answer reads as a replica of primary, by what it says itself.
func (s *State) serves(e, primary *entry) bool {
	if e == primary || !e.alive() {
		return false
	}
	r := &e.role
	if r.Role == RoleRefused {
		return true
	}
	if r.Role != RoleReplica || !r.LinkUp || r.Syncing {
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

// build makes the View that the drafts ask for, with the number of the last.
func (s *State) build(drafts []draft) *View {
	v := &View{Sharded: s.settings.Mode == ByCluster, Nodes: make([]*Node, len(s.nodes.byID))}
	for i := range drafts {
		d := &drafts[i]
		shard := Shard{Index: i, Name: d.name, ConfigEpoch: d.epoch, Primary: d.primary.value(), Since: s.now}
		s.list(v, d.primary)
		for _, e := range d.replicas {
			s.list(v, e)
			if s.serves(e, d.primary) {
				shard.Replicas = append(shard.Replicas, e.value())
			}
		}
		for _, e := range d.others {
			s.list(v, e)
		}
		slices.SortFunc(shard.Replicas, func(a, b *Node) int { return strings.Compare(a.Addr, b.Addr) })
		if d.suspect != "" {
			shard.Condition = Suspect
		}
		v.Shards = append(v.Shards, shard)
	}
	fillSlots(v, drafts)
	s.tellConditions(v, drafts)
	return v
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
}

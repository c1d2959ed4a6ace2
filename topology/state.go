package topology

import (
	"slices"
	"time"
)

// Times of State. They are limits on how long it waits for more facts, not promises.
const (
	// probeEvery is how often each node is asked for its role.
	probeEvery = time.Second
	// chaseEvery is how often a node that should be the new primary is asked whether it is.
	chaseEvery = TickEvery
	// troubledEvery is how often the other nodes of a shard are asked whose primary is suspected or left.
	troubledEvery = 200 * time.Millisecond
	// chaseFor is how long a chase lasts unless it is wanted further.
	chaseFor = time.Second
	// busyEvery is how often a primary is asked that acknowledges writes: receipts are as good as these polls are
	// many. So is a node that a script keeps busy, since requests wait for it.
	busyEvery = TickEvery
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
	// Barrier says that there are workers: a View with a new primary waits until they are Settled. Keeper.SetWorkers
	// sets it.
	Barrier bool
	// ConfirmMajority has a new primary wait until a majority of the Sentinels names it, in place of its own proof.
	ConfirmMajority bool
	// Acked tells how many writes were acknowledged for a node so far; nil: what RoleSeen told last. NewKeeper sets it
	// to its own counters.
	Acked func(NodeID) uint64
}

// Effect is one thing State wants done: Probe, Refresh or Publish.
type Effect interface{ effect() }

func (Probe) effect()   {}
func (Chase) effect()   {}
func (Refresh) effect() {}
func (Publish) effect() {}

// Probe asks for the role of the node at a dial address: a RoleSeen or a NodeLost answers it.
type Probe struct {
	Addr string
	Node NodeID
	// Afresh asks over a new connection: the address may lead to another server than it did.
	Afresh bool
}

// Chase asks a node for its role every few milliseconds, For that long: it is about to change. What it answers comes
// as it does for a Probe.
type Chase struct {
	Addr string
	Node NodeID
	For  time.Duration
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
	// failovers are those under way, by the primary that is suspected or left; unconfirmed those that ended with a
	// provisional primary, by that one.
	failovers, unconfirmed map[*entry]*failover
	failoverCount          uint64
	// passing are the primaries of the last View that have slots by the word of a MOVED only.
	passing map[*entry]bool
	// eras are those of the standing primaries.
	eras map[*entry]*era
	// unread are the replicas of the View that are kept from reads.
	unread map[NodeID]*unread
}

// rule is what the three modes do differently.
type rule interface {
	// observe takes in a fact; State has already put roles and losses into the book.
	observe(o Observation)
	// draft says what the View should be now; nil while nothing is known.
	draft() []draft
	// heard says that all voices asked at the start have been heard or are lost.
	heard() bool
	// names says that those who decide stand by a primary.
	names(e *entry) bool
	// downAfter is View.DownAfter.
	downAfter() time.Duration
	// against says what keeps those from reads that a draft has among the others.
	against() string
}

// draft is one shard as a rule wants it.
type draft struct {
	name    string
	epoch   uint64
	primary *entry
	// replicas are those that may serve reads as far as the rule knows; State drops those that cannot.
	replicas []*entry
	// others belong to the shard and get no reads; guests are only asked with it.
	others, guests []*entry
	// suspect says why the primary is not trusted; empty when it is.
	suspect string
	// held says why the primary may not be used, though no other has proven itself; empty when it may. candidate is
	// who was named to replace it.
	held      string
	candidate *entry
	// why says what proved a new primary; provisional that those who decide have not confirmed it.
	why         string
	provisional bool
	// leave and next are for State.turn: the primary that is being left, where there is one, and its successor.
	leave, next *entry
	// slots are those it serves; patched are single ones that others were said to serve.
	slots   []SlotRange
	patched []int
}

// NewState makes the State of one service. The first Step may be a Tick: it asks for what is needed to begin.
func NewState(settings Settings) *State {
	s := &State{settings: settings, nodes: newNodes(settings.AddressMap), alarms: map[string]string{},
		failovers: map[*entry]*failover{}, unconfirmed: map[*entry]*failover{}, eras: map[*entry]*era{}}
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
	switch o := o.(type) {
	case RoleSeen:
		s.roleSeen(o)
	case NodeLost:
		s.nodeLost(o)
	case NodeBusy:
		s.nodeBusy(o)
	case Report:
		s.report(o)
	case Settled:
		s.settled(o.Epoch)
	case Tick:
		s.forget()
	default:
		// The others say whether they changed anything: they come often, and most say what is known.
		s.stale = true
	}
	s.rule.observe(o)
	drafts := s.rule.draft()
	if s.ready(drafts) {
		for i := range drafts {
			s.turn(&drafts[i], drafts)
		}
		if s.stale {
			s.stale = false
			s.publish(s.build(drafts))
		}
	}
	s.emitUnused()
	s.probeMembers(drafts)
	return s.effects, s.events
}

func (s *State) roleSeen(o RoleSeen) {
	e := s.nodes.dial(o.Addr)
	if e.lost() || e.busy != "" {
		s.event(Event{Kind: NodeHeard, Subject: e.addr})
	}
	if o.Version == "" {
		o.Version = e.role.Version
	}
	s.stale = s.stale || e.lost() || e.busy != "" || !e.answered() || !e.role.same(&o)
	e.role, e.roleAt, e.wordAt, e.losses, e.lostWhy, e.busy = o, s.now, s.now, 0, "", ""
	e.openAt = time.Time{}
	if e.askedAt = o.Asked; e.askedAt.IsZero() {
		e.askedAt = s.now
	}
	if f := s.failovers[e]; f != nil {
		f.lastWord(e)
	}
	if e.standing {
		s.trust(e)
	}
}

func (s *State) nodeLost(o NodeLost) {
	e := s.nodes.dial(o.Addr)
	if !e.lost() {
		s.stale = true
		s.event(Event{Kind: NodeGone, Subject: e.addr, Why: o.Why})
	}
	e.losses++
	e.wordAt = s.now
	e.lostWhy, e.busy = o.Why, ""
	e.openAt = time.Time{}
}

// nodeBusy takes note of a node that lives and tells nothing of itself: what it said last stands.
func (s *State) nodeBusy(o NodeBusy) {
	e := s.nodes.dial(o.Addr)
	if e.busy == "" {
		s.event(Event{Kind: NodeIsBusy, Subject: e.addr, Why: o.Words})
	}
	s.stale = s.stale || e.lost() || e.busy != o.Words
	e.busy, e.losses, e.lostWhy, e.openAt, e.wordAt = o.Words, 0, "", time.Time{}, s.now
}

// report follows a worker's hint. A node that refuses, or is another one than it was, is asked until it is known why.
func (s *State) report(o Report) {
	e := s.reported(o.Node)
	switch {
	case e == nil || o.Kind == Moved:
	case o.Kind == Refused:
		s.chase(e)
	case o.Kind == OtherRun:
		s.chase(e)
		if s.now.Sub(e.afreshAt) >= refreshGap {
			e.afreshAt = s.now
			s.effects = append(s.effects, Probe{Addr: e.addr, Node: e.id, Afresh: true})
		}
	default:
		s.probe(e, chaseEvery)
	}
}

// reported finds the node of a Report, or nil.
func (s *State) reported(id NodeID) *entry {
	if id < 0 || int(id) >= len(s.nodes.byID) {
		return nil
	}
	return s.nodes.byID[id]
}

// probe asks a node for its role unless it was asked less than gap ago. One that is busy is asked often.
func (s *State) probe(e *entry, gap time.Duration) {
	if e.busy != "" {
		gap = min(gap, busyEvery)
	}
	if !e.probedAt.IsZero() && s.now.Sub(e.probedAt) < gap {
		return
	}
	e.probedAt = s.now
	if e.openAt.IsZero() {
		e.openAt = s.now
	}
	s.effects = append(s.effects, Probe{Addr: e.addr, Node: e.id})
}

// chase asks a node for its role every few milliseconds for a while. It may be called as often as that is wanted.
func (s *State) chase(e *entry) {
	if s.now.Add(chaseFor / 2).Before(e.chasedUntil) {
		return
	}
	e.chasedUntil = s.now.Add(chaseFor)
	s.effects = append(s.effects, Chase{Addr: e.addr, Node: e.id, For: chaseFor})
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

// probeMembers asks every member for its role: now and then, and often where a shard is in trouble.
func (s *State) probeMembers(drafts []draft) {
	for i := range drafts {
		d := &drafts[i]
		mine, others := probeEvery, probeEvery
		switch {
		case d.leave != nil || d.held != "" || d.suspect != "":
			mine, others = chaseEvery, troubledEvery
		case s.acked(d.primary) != d.primary.role.Acked:
			mine = busyEvery // it acknowledged writes that no poll covers
		}
		if d.leave != nil {
			s.probe(d.leave, chaseEvery)
		}
		if d.next != nil {
			s.probe(d.next, chaseEvery)
		}
		s.probe(d.primary, mine)
		for _, e := range d.replicas {
			gap := others
			if u := s.unread[e.id]; u != nil && !u.emitted { // it may be about to be of use
				gap = troubledEvery
			}
			s.probe(e, gap)
		}
		for _, e := range d.others {
			s.probe(e, others)
		}
		for _, e := range d.guests {
			s.probe(e, others)
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

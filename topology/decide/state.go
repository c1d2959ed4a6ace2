// Package decide finds out which Redis server is the primary of each shard, and how certain that is.
//
// Observations go into State.Step; effects to carry out and events to report come out. Each change is a new View.
// Nothing here does I/O, logs, or reads a clock.
package decide

import (
	"slices"
	"time"

	"evergate/topology"
)

// Times of State. They are limits on how long it waits for more facts, not promises.
const (
	// probeEvery is how often each node is asked for its role.
	probeEvery = time.Second
	// chaseEvery is how often a node that should be the new primary is asked whether it is.
	chaseEvery = topology.TickEvery
	// troubledEvery is how often the other nodes of a shard with a suspected or demoted primary are asked.
	troubledEvery = 200 * time.Millisecond
	// chaseFor is how long a chase lasts unless it is prolonged.
	chaseFor = time.Second
	// busyEvery is how often a primary that acknowledges writes is asked: receipts are as tight as these polls are
	// many. So is a node with a long script, since requests wait for it.
	busyEvery = topology.TickEvery
	// settleFor is how long a first View waits for the other nodes that were asked, from the first answer on.
	settleFor = 300 * time.Millisecond
	// refreshGap is the shortest time between two refreshes that workers or messages trigger.
	refreshGap = 100 * time.Millisecond
)

// Mode is the source of a service's topology.
type Mode uint8

const (
	// BySentinel: Sentinels watch one primary.
	BySentinel Mode = iota
	// ByCluster: the nodes of a Redis Cluster know it.
	ByCluster
	// Plain: a list in the settings, checked against the servers' own reports.
	Plain
)

// Settings of the State of one service.
type Settings struct {
	Mode Mode
	// Shard names the only shard if keys are not divided by slot.
	Shard string
	// Sentinels are the addresses to ask before a first View is made.
	Sentinels []string
	// Seeds are the cluster nodes to ask first (host:port).
	Seeds []string
	// Primary and Replicas are those of a plain list (host:port). Replicas named here serve reads whatever their
	// priority, in any mode.
	Primary  string
	Replicas []string
	// AddressMap rewrites announced addresses; see MapAddr.
	AddressMap map[string]string
	// RefreshEvery is the time between two refreshes of a cluster's slot map.
	RefreshEvery time.Duration
	// Barrier: there are workers, so a View with a new primary waits until they are Settled. Keeper.SetWorkers sets it.
	Barrier bool
	// ConfirmMajority makes a new primary wait until a majority of the Sentinels names it, instead of its own proof.
	ConfirmMajority bool
	// FenceMinority stops writes to a primary that is cut off with the gateway; see minority.go. Only behind Sentinels.
	FenceMinority bool
	// Zone is the gateway's own zone, whose replicas come first; empty if it has none. ZoneOf returns the zone of a server
	// that reported one, or none, and has these addresses; nil: the reported one.
	Zone   string
	ZoneOf func(reported string, addrs ...string) string
	// Acked returns how many writes were acknowledged for a node so far; nil: the number in its last RoleSeen.
	// keeper.New sets it to its own counters.
	Acked func(topology.NodeID) uint64
}

// State is the state machine of one service, used only by the keeper.
//
// Reports of Sentinels, reports of cluster nodes and a list in the settings mean different things; that part is a rule.
// The common part is here: the table of nodes, which node is probed when, which replicas may serve reads, and how
// drafts become a numbered View.
//
// Rejected: one machine for all modes with a switch in each place (what holds for epochs under Sentinel is false for a
// plain list), and views made by watch (then no script could replay a failover).
type State struct {
	settings Settings
	nodes    *nodes
	rule     rule
	named    map[string]bool
	view     *topology.View
	now      time.Time
	// startedAt is the time of the first fact that could make a View, or of Reseed.
	startedAt time.Time
	// reseeded: see Reseed.
	reseeded bool
	// stale: something changed since the last View was built; time alone changes little.
	stale   bool
	effects []Effect
	events  []Event
	alarms  map[string]string
	// failovers are those under way, by the primary that is suspected or demoted; unconfirmed those that ended with a
	// provisional primary, by that one.
	failovers, unconfirmed map[*entry]*failover
	failoverCount          uint64
	// passing are the primaries of the last View that have slots only because of a MOVED.
	passing map[*entry]bool
	// eras are those of the standing primaries.
	eras map[*entry]*era
	// unread are the replicas of the View that are excluded from reads.
	unread map[topology.NodeID]*unread
}

// rule is the difference between the three modes.
type rule interface {
	// observe records a fact; State has already recorded roles and losses.
	observe(o topology.Observation)
	// draft returns what the View should be now; nil while nothing is known.
	draft() []draft
	// heard reports whether all nodes asked at the start have answered or are lost.
	heard() bool
	// names reports whether the Sentinels or nodes in charge stand by a primary.
	names(e *entry) bool
	// downAfter is View.DownAfter.
	downAfter() time.Duration
	// against returns why the nodes among a draft's others get no reads.
	against() string
}

// draft is one shard as a rule wants it.
type draft struct {
	name    string
	epoch   uint64
	primary *entry
	// replicas are those that may serve reads by the rule's knowledge; State drops those that cannot.
	replicas []*entry
	// others belong to the shard and get no reads; guests are only asked with it.
	others, guests []*entry
	// never are those of both that are never promoted, by the rule's knowledge.
	never []*entry
	// suspect is why the primary is not trusted; empty if it is.
	suspect string
	// held is why the primary may not be used, though no other has proven its role; empty if it may. candidate was
	// named to replace it.
	held      string
	candidate *entry
	// fence is why the primary gets no writes though it answers and no other is named, if that is a part of held.
	fence string
	// why is the proof of a new primary; provisional: it is not confirmed by a majority.
	why         string
	provisional bool
	// leave and next are for State.turn: the primary that is being demoted, if any, and its successor.
	leave, next *entry
	// slots are those it serves; patched are single ones that others were reported to serve.
	slots   []topology.SlotRange
	patched []int
}

// New returns the State of one service. The first Step may be a Tick: it asks for the first answers.
func New(settings Settings) *State {
	s := &State{settings: settings, nodes: newNodes(settings.AddressMap, settings.ZoneOf), alarms: map[string]string{},
		failovers: map[*entry]*failover{}, unconfirmed: map[*entry]*failover{}, eras: map[*entry]*era{}}
	s.follow()
	return s
}

// CountAcked sets the function that returns how many writes were acknowledged for a node so far. Only before the first
// Step.
func (s *State) CountAcked(acked func(topology.NodeID) uint64) { s.settings.Acked = acked }

// SetBarrier sets whether workers settle each View; see Settings.Barrier. Only before the first Step.
func (s *State) SetBarrier(on bool) { s.settings.Barrier = on }

// View returns the last one published, nil before the first.
func (s *State) View() *topology.View { return s.view }

// Step handles one observation made at now. The caller owns the slices that it returns.
func (s *State) Step(o topology.Observation, now time.Time) ([]Effect, []Event) {
	s.now = now
	s.effects, s.events = nil, nil
	switch o := o.(type) {
	case topology.RoleSeen:
		s.roleSeen(o)
	case topology.NodeLost:
		s.nodeLost(o)
	case topology.NodeBusy:
		s.nodeBusy(o)
	case topology.Report:
		s.report(o)
	case topology.Settled:
		s.settled(o.Epoch)
	case topology.Tick:
		s.forget()
	default:
		// The others report whether they changed anything: they come often, and most are known already.
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
		s.arrive()
	}
	s.emitUnused()
	s.probeMembers(drafts)
	return s.effects, s.events
}

func (s *State) roleSeen(o topology.RoleSeen) {
	e := s.nodes.dial(o.Addr)
	if e.lost() || e.busy != "" {
		s.event(Event{Kind: NodeHeard, Subject: e.addr})
	}
	if o.Version == "" {
		o.Version = e.role.Version
	}
	if o.Eviction == "" {
		o.Eviction = e.role.Eviction
	}
	s.stale = s.stale || e.lost() || e.busy != "" || !e.answered() || !e.role.Same(&o)
	noteLink(s, e, &o)
	e.role, e.roleAt, e.wordAt, e.losses, e.lostWhy, e.busy = o, s.now, s.now, 0, "", ""
	e.openAt = time.Time{}
	s.nodes.place(e)
	before := e.askedAt
	if e.askedAt = o.Asked; e.askedAt.IsZero() {
		e.askedAt = s.now
	}
	s.stale = s.stale || e.standing && outlivesLinks(s.nodes.byID, e, before)
	if f := s.failovers[e]; f != nil {
		f.lastWord(e)
	}
	if e.standing {
		s.trust(e)
	}
}

func (s *State) nodeLost(o topology.NodeLost) {
	e := s.nodes.dial(o.Addr)
	if !e.lost() {
		s.stale, e.lostFor = true, nil
	}
	if e.lostFor.add(o.Why) {
		s.event(Event{Kind: NodeGone, Subject: e.addr, Why: o.Why})
	}
	e.losses++
	e.wordAt = s.now
	e.lostWhy, e.busy = o.Why, ""
	e.openAt = time.Time{}
}

// nodeBusy records a node that lives and reports nothing else: its last answer remains valid.
func (s *State) nodeBusy(o topology.NodeBusy) {
	e := s.nodes.dial(o.Addr)
	if e.busy == "" {
		s.event(Event{Kind: NodeIsBusy, Subject: e.addr, Why: o.Words})
	}
	s.stale = s.stale || e.lost() || e.busy != o.Words
	e.busy, e.losses, e.lostWhy, e.openAt, e.wordAt = o.Words, 0, "", time.Time{}, s.now
}

// report follows a worker's hint. A node that rejects requests, or is another run, is asked until the reason is known.
func (s *State) report(o topology.Report) {
	e := s.reported(o.Node)
	switch {
	case e == nil || o.Kind == topology.Moved:
	case o.Kind == topology.Refused:
		s.chase(e)
	case o.Kind == topology.OtherRun:
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
func (s *State) reported(id topology.NodeID) *entry {
	if id < 0 || int(id) >= len(s.nodes.byID) {
		return nil
	}
	return s.nodes.byID[id]
}

// probe asks a node for its role unless it was asked less than gap ago. A busy one is asked often.
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

// chase asks a node for its role every few milliseconds for a while. It may be called repeatedly.
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

// alarm reports lasting trouble once: again only when its text changes. An empty text ends it.
func (s *State) alarm(key, why string) {
	if s.alarms[key] == why {
		return
	}
	s.alarms[key] = why
	if why != "" {
		s.event(Event{Kind: Alarm, Subject: key, Why: why})
	}
}

// probeMembers asks every member for its role: now and then, and often if a shard is in trouble.
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
			if u := s.unread[e.id]; u != nil && !u.emitted { // it may be useful soon
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

// ready delays a first View, for settleFor at most, until all that were asked have answered or failed: otherwise the
// first Sentinel or node to answer would decide alone, and replicas would come and go at each start.
func (s *State) ready(drafts []draft) bool {
	if len(drafts) == 0 {
		return false
	}
	if s.view != nil && !s.reseeded {
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

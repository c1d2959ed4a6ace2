package freshness

import (
	"slices"
	"time"

	"evergate/topology"
)

const (
	// PollGap is the shortest time between two polls of a primary.
	PollGap = 5 * time.Millisecond
	// A replica that lacks something and is wanted has its primary polled after 1/pausePart of the time that it has
	// lacked it, after pauseMax at most: one that is stuck costs its primary little, and that it has gone on is noticed
	// soon, compared with how long it was stuck.
	pausePart = 4
	pauseMax  = time.Second
	// IdleGap is the time between two polls while there are writes that a replica has not been seen to have, and no
	// read wants to know.
	IdleGap = time.Second
	// UsedFor is how long after a read has wanted to know of a replica writes alone are reason enough for a poll.
	UsedFor = time.Minute
	// RefusedGap is how long a server that does not permit INFO is left alone.
	RefusedGap = 30 * time.Second
	// lostGap is how long a server that did not answer is left alone at first; doubled each time, up to lostGapMax.
	lostGap    = 20 * time.Millisecond
	lostGapMax = time.Second
)

// Ask is a question for one server: INFO replication, and which run answers.
type Ask struct {
	Node topology.NodeID
	// Addr is where to dial it.
	Addr string
	// Poll is the number of the poll that this is, for a primary. For a replica it is the last poll that had begun.
	Poll uint64

	line    *line
	primary bool
	at      time.Time
}

// Outcome is how an Ask ended.
type Outcome uint8

const (
	// Answered: the server answered, and the other fields of Answer are set.
	Answered Outcome = iota
	// Lost: it could not be reached, or did not answer in time.
	Lost
	// Refused: it does not permit the question to the gateway's user.
	Refused
)

// Answer is what a server reported.
type Answer struct {
	Outcome Outcome
	Role    topology.Role
	// RunID and ReplID as in topology.RoleSeen.
	RunID, ReplID string
	// Offset is that of what the server has executed, in bytes of its history.
	Offset int64
	// Syncing: it is a replica that takes over a whole data set.
	Syncing bool
}

// State decides which servers are asked for their offsets, and when, and makes proofs of the answers. One goroutine
// owns it. Nothing is asked while nothing is written and no read wants to know; each server gets one question at a
// time, so that a slow one delays no other.
type State struct {
	service *Service
	table   *table
	// polled are those of table.shards, in their order.
	polled []*polled
	asks   []Ask
	nodes  map[topology.NodeID]*node
	// usedAt is when a read last wanted to know of a replica.
	usedAt time.Time
}

// polled is a shard as State sees it.
type polled struct {
	shard
	ring ring
	// written: a write may have ended since its last poll began.
	written bool
}

// node is a server that is asked.
type node struct {
	// asked: it owes an answer. due: it is a replica, and its primary has answered. refused: it last refused to answer.
	asked, due, refused bool
	// polled is when it was last asked as a primary. notBefore is when it may be asked again.
	polled, notBefore time.Time
	failures          int
	// lacksSince is when the first poll began that it has not been seen to have reached, as a replica; zero: it has
	// reached all.
	lacksSince time.Time
}

// NewState returns the State of a Service.
func NewState(s *Service) *State {
	return &State{service: s, nodes: map[topology.NodeID]*node{}}
}

// Next returns what is to be asked now, and after how long Next is to be called again if nothing happens before; a
// negative time is never. The slice is valid until the next call. Each Ask gets exactly one Answered. The caller must
// send the question after Next has returned, and never later than it can help: the poll has its number.
func (s *State) Next(now time.Time) ([]Ask, time.Duration) {
	s.asks = s.asks[:0]
	s.takeTable()
	if s.service.written.Load() {
		s.noteWritten()
	}
	wait := time.Duration(-1)
	for _, p := range s.polled {
		if p.isWanted() || p.bound.Load() > 0 {
			s.usedAt = now
		}
		if at, due := s.due(p, now); due {
			if d := at.Sub(now); d > 0 {
				wait = sooner(wait, d)
			} else {
				s.poll(p, now)
			}
		}
		for _, r := range p.replicas {
			n := s.node(r.node)
			switch d := n.notBefore.Sub(now); {
			case !n.due || n.asked:
			case d > 0:
				wait = sooner(wait, d)
			default:
				n.due, n.asked = false, true
				s.asks = append(s.asks, Ask{Node: r.node, Addr: r.addr, Poll: s.service.polls.Load(), line: p.line,
					at: now})
			}
		}
	}
	return s.asks, wait
}

// noteWritten records that a write may have ended in any shard.
func (s *State) noteWritten() {
	for _, p := range s.polled {
		p.written = true
	}
}

func sooner(a, b time.Duration) time.Duration {
	if a < 0 {
		return b
	}
	return min(a, b)
}

// due returns when a shard is to be polled next; false if nothing needs it, or if an answer must come first.
func (s *State) due(p *polled, now time.Time) (next time.Time, due bool) {
	primary := s.node(p.primary)
	if !p.polled || primary.asked {
		return time.Time{}, false
	}
	at := func(gap time.Duration, free time.Time) {
		if t := later(primary.polled.Add(gap), free); !due || t.Before(next) {
			next, due = t, true
		}
	}
	for _, r := range p.replicas {
		if n := s.node(r.node); r.wanted.Load() && !n.asked {
			at(n.pause(primary), n.notBefore)
		}
	}
	if free, found := s.free(p); found {
		if bound := time.Duration(p.bound.Load()); bound > 0 {
			at(max(PollGap, bound), free)
		}
		if now.Sub(s.usedAt) < UsedFor && (p.written || s.behind(p)) {
			at(IdleGap, free)
		}
	}
	return later(next, primary.notBefore), due
}

// isWanted reports whether a read wants to know what a replica has.
func (p *polled) isWanted() bool {
	return slices.ContainsFunc(p.replicas, func(r *replica) bool { return r.wanted.Load() })
}

// pause returns how long after the last poll of its primary the next one may be, for a replica that is wanted. A poll
// that was not answered is no reason to wait.
func (n *node) pause(primary *node) time.Duration {
	if n.lacksSince.IsZero() || primary.failures > 0 {
		return PollGap
	}
	return min(max(PollGap, primary.polled.Sub(n.lacksSince)/pausePart), pauseMax)
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// free returns when the first replica of a shard can be asked; false if all owe an answer. Without one there is nothing
// to prove.
func (s *State) free(p *polled) (first time.Time, found bool) {
	for _, r := range p.replicas {
		n := s.node(r.node)
		if !n.asked && (!found || n.notBefore.Before(first)) {
			first, found = n.notBefore, true
		}
	}
	return first, found
}

// behind reports whether a replica of a shard has answered after its last poll, and had not reached it.
func (s *State) behind(p *polled) bool {
	newest := p.ring.newest()
	for _, r := range p.replicas {
		n := s.node(r.node)
		if newest != nil && !n.asked && !n.due && !n.refused && r.proof.Load()&pollMask < newest.last {
			return true
		}
	}
	return false
}

// poll asks the primary of a shard. What wanted a poll until now gets this one, so that is forgotten before it has its
// number, and it has that before it is asked.
func (s *State) poll(p *polled, now time.Time) {
	for _, r := range p.replicas {
		r.wanted.Store(false)
	}
	p.bound.Store(0)
	if s.service.written.Swap(false) { // from here on the next write wakes again: not sooner, since each pays for that
		s.noteWritten()
	}
	p.written = false
	n := s.node(p.primary)
	n.asked, n.polled = true, now
	s.asks = append(s.asks, Ask{Node: p.primary, Addr: p.addr, Poll: s.service.polls.Add(1), line: p.line,
		primary: true, at: now})
}

// Answered takes the answer to an Ask; Next is to be called after it.
func (s *State) Answered(ask Ask, a Answer, now time.Time) {
	n := s.node(ask.Node)
	n.asked, n.refused = false, a.Outcome == Refused
	switch a.Outcome {
	case Lost:
		n.due = n.due || !ask.primary
		n.notBefore = now.Add(min(lostGap<<min(n.failures, 16), lostGapMax))
		n.failures++
	case Refused:
		n.notBefore = now.Add(RefusedGap)
	default:
		n.notBefore, n.failures = time.Time{}, 0
	}
	s.takeTable()
	for _, p := range s.polled {
		switch {
		case p.line != ask.line:
		case ask.primary && a.Outcome == Answered:
			s.primaryAnswered(p, ask, a)
		case !ask.primary && a.Outcome == Answered:
			if r := p.replica(ask.Node); r != nil {
				s.replicaAnswered(p, r, ask, a)
			}
		}
	}
}

func (s *State) primaryAnswered(p *polled, ask Ask, a Answer) {
	if a.Role != topology.RolePrimary || a.RunID == "" || a.ReplID == "" || p.run != "" && a.RunID != p.run {
		p.restart("", "")
		return
	}
	if p.ring.run != a.RunID || p.ring.replID != a.ReplID || a.Offset < p.ring.offset() {
		p.restart(a.RunID, a.ReplID)
	}
	p.ring.add(ask.Poll, a.Offset, s.service.at(ask.at))
	for _, r := range p.replicas {
		n := s.node(r.node)
		n.due = true
		if n.lacksSince.IsZero() {
			n.lacksSince = ask.at
		}
	}
}

// restart begins a ring of another history; all replicas are unproven.
func (p *polled) restart(run, replID string) {
	p.ring = ring{run: run, replID: replID}
	for _, r := range p.replicas {
		r.reset()
	}
}

func (s *State) replicaAnswered(p *polled, r *replica, ask Ask, a Answer) {
	run := s.service.run(a.RunID)
	proof := r.proof.Load()
	newest := p.ring.newest()
	if a.Role != topology.RoleReplica || a.Syncing || run == 0 || newest == nil || a.ReplID != p.ring.replID {
		r.reset()
		return
	}
	if uint32(proof>>pollBits) != run {
		r.reset()
		proof = uint64(run) << pollBits
	}
	r.behind.Store(max(0, newest.offset-a.Offset))
	r.measured.Store(newest.at)
	reached := p.ring.reached(a.Offset, ask.Poll)
	if reached.poll > proof&pollMask {
		r.proof.Store(uint64(run)<<pollBits | reached.poll)
		r.asOf.Store(reached.at)
		r.lag.Store(p.ring.polls - reached.count)
		s.lacks(p, r, reached.poll)
	} else {
		r.lag.Store(p.ring.polls - p.ring.countAt(proof&pollMask))
	}
}

// lacks records since when a replica lacks something that has reached a poll.
func (s *State) lacks(p *polled, r *replica, poll uint64) {
	n := s.node(r.node)
	n.lacksSince = time.Time{}
	if at, found := p.ring.after(poll); found {
		n.lacksSince = s.service.base.Add(time.Duration(at))
	}
}

// takeTable follows the newest view. What was known of lines that go on is kept.
func (s *State) takeTable() {
	t := s.service.current.Load()
	if t == s.table || t == nil {
		return
	}
	s.table = t
	old := s.polled
	s.polled = make([]*polled, len(t.shards))
	nodes := map[topology.NodeID]*node{}
	keep := func(id topology.NodeID) { nodes[id] = s.node(id) }
	for i := range t.shards {
		p := &polled{shard: t.shards[i]}
		goesOn := false
		for _, was := range old {
			if was.line == p.line {
				p.ring, p.written, goesOn = was.ring, was.written, true
			}
		}
		s.polled[i] = p
		keep(p.primary)
		for _, r := range p.replicas {
			keep(r.node)
			if !goesOn {
				nodes[r.node].lacksSince = time.Time{}
			}
		}
	}
	for id, n := range s.nodes {
		if n.asked {
			nodes[id] = n
		}
	}
	s.nodes = nodes
}

// node returns what is known of a server.
func (s *State) node(id topology.NodeID) *node {
	n := s.nodes[id]
	if n == nil {
		n = &node{}
		s.nodes[id] = n
	}
	return n
}

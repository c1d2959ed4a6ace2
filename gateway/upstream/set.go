package upstream

import (
	"slices"
	"time"

	"evergate/gateway/blocks"
	"evergate/gateway/session"
	"evergate/topology"
)

// ConnsMax bounds the connections of one Key of a worker.
const ConnsMax = 4

// Set has the connections of one Key: usually one, and more while long replies keep the others busy.
type Set struct {
	servers *Servers
	key     Key
	addr    string
	RunID   string // of the server in the view; empty when not known
	conns   []*Conn
	// idle are dedicated connections that are open and serve no session.
	idle []*Conn
	seen uint64 // the epoch of the last view that named it
	// wanted: a session waits for one more connection, and there are as many as may be, all busy with long replies.
	wanted bool
	// singleUntil: another connection could not be opened, and none is tried until then.
	singleUntil time.Duration
	// afreshAt is when another connection beside silent ones may be tried.
	afreshAt time.Duration
	// rejects: the server rejected the credentials of the user at the last dial.
	rejects bool
	// failing: the last dedicated connection could not be opened. trial is the last one that was tried since.
	failing bool
	// health is how a replica answers.
	health health
	trial  *Conn
}

// Set returns the connections to a node for a purpose, and dials the first one. Those of an earlier use of the node are
// put to use again.
func (s *Servers) Set(n *topology.Node, p Purpose, setup Setup) *Set {
	return s.set(n, Key{Service: s.Index, Node: n.ID, Purpose: p, Setup: setup})
}

// set returns the connections with a key to a node, see Set.
func (s *Servers) set(n *topology.Node, key Key) *Set {
	set := s.pool.sets[key]
	if set == nil {
		set = &Set{servers: s, key: key}
		s.pool.sets[key] = set
	}
	set.addr = n.Addr
	if set.RunID != n.RunID {
		set.RunID = n.RunID
		for _, l := range set.conns {
			if l.State == Waiting { // this one may be there
				s.pool.dial(l)
			}
		}
	}
	if s.View != nil {
		set.seen = s.View.Epoch
	}
	truncated := 0
	for _, l := range set.conns {
		if l.Truncated {
			truncated++
		} else {
			l.Retiring = false // the node has its role again
		}
	}
	if len(set.conns) == truncated {
		set.add()
	}
	return set
}

// make adds a connection that is not dialled yet.
func (set *Set) make() *Conn {
	l := &Conn{Key: set.key, UsedAt: set.servers.pool.Clock.Now, measured: set.servers.measuredAt(set.key.Node),
		Queue: blocks.Queue{Small: set.key.Purpose == Dedicated, Blocks: set.servers.pool.Blocks}}
	l.health, l.kill = &set.health, set.servers.kill
	l.Inflight.marker, l.Inflight.node = &set.servers.marker, set.key.Node
	if n := len(set.servers.pool.free); n > 0 {
		l.ID = set.servers.pool.free[n-1]
		set.servers.pool.free = set.servers.pool.free[:n-1]
		set.servers.pool.conns[l.ID] = l
	} else {
		l.ID = ConnID(len(set.servers.pool.conns))
		set.servers.pool.conns = append(set.servers.pool.conns, l)
	}
	set.conns = append(set.conns, l)
	set.servers.conns++
	return l
}

// add dials one more connection.
func (set *Set) add() *Conn {
	l := set.make()
	set.servers.pool.dial(l)
	return l
}

// Usable returns a connection of the set that takes requests. When all are busy with long replies it dials one more.
// soon: one is being opened.
func (set *Set) Usable() (l *Conn, soon bool) {
	busy, silent, trying := 0, 0, false
	if len(set.conns) == 0 {
		set.add()
	}
	for _, l := range set.conns {
		if l.Usable(set.servers.pool.Clock.Now) {
			if set.mustWait(l) && set.dialling() {
				return nil, true
			}
			return l, false
		}
		trying = trying || l.State != Open
		switch {
		case l.State == Dialing && l.Attempts == 0 && set.servers.pool.Clock.Now-l.DialledAt < dialGrace:
			soon = true
		case l.Silent:
			silent++
		case l.State == Open && l.Busy():
			busy++
		}
	}
	if busy > 0 && !soon {
		soon = true
		if set.mayAdd() {
			set.add()
		} else {
			set.wanted = true
		}
	}
	if silent > 0 && !trying {
		set.tryAfresh()
	}
	return nil, soon
}

// Take returns a connection of the set for a request of this Company, or nil and the obstacle.
func (set *Set) Take(with Company) (*Conn, Obstacle) {
	l, soon := set.Usable()
	switch {
	case soon:
		return nil, SoonConn
	case l == nil:
		return nil, NoConn
	case with == Anybody:
		return l, Free
	}
	return set.apart()
}

// apart returns a connection on which nothing is in flight, and leaves another one to all other requests. At least one
// is usable.
func (set *Set) apart() (*Conn, Obstacle) {
	var empty, last *Conn
	usable, dialing := 0, false
	for _, l := range set.conns {
		dialing = dialing || l.State == Dialing
		if !l.Usable(set.servers.pool.Clock.Now) {
			continue
		}
		usable++
		last = l
		if l.Inflight.Len() == 0 {
			empty = l
		}
	}
	single := len(set.conns) == 1 && set.servers.pool.Clock.Now < set.singleUntil // the server takes no second connection
	switch {
	case empty != nil && (usable > 1 || single):
		return empty, Free
	case dialing:
		return nil, SoonConn
	case set.mayAdd():
		set.add()
		return nil, SoonConn
	case usable > 1 || single:
		last.Carries = Nobody // until what is under way there is answered
	}
	return nil, Full
}

// mayAdd reports whether one more connection may be dialled.
func (set *Set) mayAdd() bool {
	return len(set.conns) < ConnsMax && set.servers.pool.Clock.Now >= set.singleUntil
}

// tryAfresh dials one more connection to a server of which all are silent. A server that is stopped will not answer it;
// one that is alive does, if only the requests on the others take long. Reads of replicas have other servers instead.
func (set *Set) tryAfresh() {
	s := set.servers
	if set.key.Purpose == Replica && s.Reads != session.OnlyReplica {
		return
	}
	if set.servers.pool.Clock.Now < set.afreshAt || len(set.conns) >= ConnsMax {
		return
	}
	set.afreshAt = set.servers.pool.Clock.Now + afreshEvery
	set.add()
}

// tryServer dials one more connection, if one may be dialled and none is being dialled.
func (set *Set) tryServer() {
	for _, l := range set.conns {
		if l.State == Dialing {
			return
		}
	}
	if set.mayAdd() {
		set.add()
	}
}

// dialling dials one more connection, if one may be dialled, and reports whether one is being dialled.
func (set *Set) dialling() bool {
	set.tryServer()
	return slices.ContainsFunc(set.conns, func(l *Conn) bool { return l.State == Dialing })
}

// needed reports whether the present view names the set.
func (set *Set) needed() bool {
	v := set.servers.pool.servers[set.key.Service].View
	return v != nil && set.seen == v.Epoch
}

// closeIdle closes the connections on which nothing is in flight. The others end with the next view.
func (set *Set) closeIdle() {
	for _, l := range slices.Clone(set.conns) {
		if !l.Owes() && !l.Draining {
			set.servers.pool.Remove(l, Idle)
		}
	}
}

package upstream

import (
	"slices"
	"time"

	"evergate/topology"
)

// ConnsMax bounds the connections of one key of a worker.
const ConnsMax = 4

// Set are the connections of one key: usually one; more while long replies hold the others up.
type Set struct {
	servers *Servers
	key     Key
	addr    string
	RunID   string // of the server, as far as the view knows it
	conns   []*Conn
	// idle are dedicated connections that are open and belong to nobody.
	idle []*Conn
	seen uint64 // the last view change that named it
	// wanted: all connections there may be are busy with long replies, and somebody waits.
	wanted bool
	// singleUntil: a further connection could not be opened, and none is tried until then.
	singleUntil time.Duration
	// afreshAt is when a fresh connection beside silent ones may be tried again.
	afreshAt time.Duration
	// failing: the last dedicated connection could not be opened. Then trial is the one that is being tried, or was.
	failing bool
	trial   *Conn
}

// Set returns the connections to a node for a purpose; the first one is dialled when the set is made.
func (s *Servers) Set(n *topology.Node, p Purpose, setup Setup) *Set {
	key := Key{Service: s.Index, Node: n.ID, Purpose: p, Setup: setup}
	set := s.pool.sets[key]
	if set == nil {
		set = &Set{servers: s, key: key}
		s.pool.sets[key] = set
	}
	set.addr = n.Addr
	if set.RunID != n.RunID {
		set.RunID = n.RunID
		for _, l := range set.conns {
			if l.State == Waiting { // it may be another server now
				s.pool.dial(l)
			}
		}
	}
	if s.View != nil {
		set.seen = s.View.Epoch
	}
	torn := 0
	for _, l := range set.conns {
		if l.Truncated {
			torn++
		} else {
			l.Retiring = false // the node has its role again
		}
	}
	if len(set.conns) == torn {
		set.add()
	}
	return set
}

// make adds a connection that is not dialled yet.
func (set *Set) make() *Conn {
	l := &Conn{Key: set.key, UsedAt: set.servers.pool.Clock.Now}
	l.Queue.Blocks = set.servers.pool.Blocks
	if n := len(set.servers.pool.free); n > 0 {
		l.ID = set.servers.pool.free[n-1]
		set.servers.pool.free = set.servers.pool.free[:n-1]
		set.servers.pool.conns[l.ID] = l
	} else {
		l.ID = ConnID(len(set.servers.pool.conns))
		set.servers.pool.conns = append(set.servers.pool.conns, l)
	}
	set.conns = append(set.conns, l)
	return l
}

// add opens one more connection. kill are connections to end at the server first, besides those that are known to be.
func (set *Set) add(kill ...int64) *Conn {
	l := set.make()
	set.servers.pool.dial(l, kill...)
	return l
}

// Usable returns a connection of the set that takes new flights. When all are busy with long replies one more is
// opened. soon says that there will be one in a moment.
func (set *Set) Usable() (l *Conn, soon bool) {
	busy, silent, trying := 0, 0, false
	if len(set.conns) == 0 {
		set.add()
	}
	for _, l := range set.conns {
		if l.Usable(set.servers.pool.Clock.Now) {
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

// Take finds a connection of a set for a new flight that tolerates this company.
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

// apart finds a connection of a set on which nothing is under way, and leaves another one to everybody else. At least
// one is usable.
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

// mayAdd says that a set may have one more connection.
func (set *Set) mayAdd() bool {
	return len(set.conns) < ConnsMax && set.servers.pool.Clock.Now >= set.singleUntil
}

// tryAfresh opens one more connection to a server of which all connections are silent: a server that is stopped will
// not greet it, one that lives does, where only what was sent on the others takes long. Replicas have others to read
// from.
func (set *Set) tryAfresh() {
	s := set.servers
	if set.key.Purpose == Replica && s.Reads != OnlyReplica {
		return
	}
	if set.servers.pool.Clock.Now < set.afreshAt || len(set.conns) >= ConnsMax {
		return
	}
	set.afreshAt = set.servers.pool.Clock.Now + afreshEvery
	set.add()
}

// tryServer sees to it that a connection to a server is being made, if one more may be.
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

// needed says that the present view names the set.
func (set *Set) needed() bool {
	v := set.servers.pool.servers[set.key.Service].View
	return v != nil && set.seen == v.Epoch
}

// closeIdle closes the connections of a set on which nothing is under way. The others end with the next view.
func (set *Set) closeIdle() {
	for _, l := range slices.Clone(set.conns) {
		if l.Inflight.Len() == 0 && !l.Draining {
			set.servers.pool.Remove(l, Idle)
		}
	}
}

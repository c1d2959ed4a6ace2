package upstream

import (
	"slices"
	"time"

	"evergate/topology"
)

const (
	// dedicatedKept bounds the dedicated connections to one server that are open and belong to nobody.
	dedicatedKept = 32
	// DedicatedRetry is how long a session waits before it asks for a dedicated connection again that could not be had.
	DedicatedRetry = 100 * time.Millisecond
)

func dedicatedKey(s *Servers, n *topology.Node, setup Setup) Key {
	return Key{Service: s.Index, Node: n.ID, Purpose: Dedicated, Setup: setup}
}

// DedicatedSet returns the dedicated connections to a node. None is dialled before somebody needs it.
func (s *Servers) DedicatedSet(n *topology.Node, setup Setup) *Set {
	key := dedicatedKey(s, n, setup)
	set := s.pool.sets[key]
	if set == nil {
		set = &Set{servers: s, key: key}
		s.pool.sets[key] = set
	}
	set.addr, set.RunID, set.seen = n.Addr, n.RunID, s.View.Epoch
	return set
}

// TakeIdle returns a dedicated connection that belongs to nobody, or nil. urgent: it is for what gets past a busy
// server.
func (set *Set) TakeIdle(urgent bool) *Conn {
	last := len(set.idle) - 1
	if last < 0 {
		return nil
	}
	l := set.idle[last]
	set.idle = set.idle[:last]
	l.Bypass = urgent // BUSY is an answer there
	return l
}

// MayDialDedicated says that one more dedicated connection to a node may be opened. Where the last one could not be,
// they are tried one at a time.
func (s *Servers) MayDialDedicated(n *topology.Node, set *Set) bool {
	if set.failing && (s.pool.Clock.Now < set.afreshAt || set.trial != nil && set.trial.State == Dialing) {
		return false
	}
	if s.pool.DedicatedMax == 0 {
		return true
	}
	open := 0
	var spare *Conn
	for i := range s.routes {
		other := s.pool.sets[dedicatedKey(s, n, s.routes[i].setup)]
		if other == nil {
			continue
		}
		open += len(other.conns)
		if len(other.idle) > 0 {
			spare = other.idle[0]
		}
	}
	if open >= s.pool.DedicatedMax && spare != nil { // it is set up otherwise
		s.pool.Remove(spare, Unpinned)
		open--
	}
	return open < s.pool.DedicatedMax
}

// KeepIdle keeps a dedicated connection whose session has left it for the next one, if it can be used again.
func (p *Pool) KeepIdle(l *Conn) bool {
	set := p.sets[l.Key]
	if l.Bypass || l.Once || !l.Usable(p.Clock.Now) || l.Inflight.Len() > 0 || len(set.idle) >= dedicatedKept {
		return false
	}
	l.UsedAt = p.Clock.Now
	set.idle = append(set.idle, l)
	p.Clock.At(p.Clock.Now + IdleAfter)
	return true
}

// DialDedicated opens one more dedicated connection; see TakeIdle and add.
func (set *Set) DialDedicated(urgent bool, kill ...int64) *Conn {
	l := set.make()
	l.Queue.Small, l.Bypass = true, urgent
	set.servers.pool.dial(l, kill...)
	if set.failing {
		set.trial = l
	}
	return l
}

// EndDedicated ends a connection whose session has left it, at the end of the round: it may be the one that is being
// read, or lost. What is in flight there is for nobody.
func (p *Pool) EndDedicated(l *Conn) { p.parting = append(p.parting, l) }

// Parting reports whether there are such connections.
func (p *Pool) Parting() bool { return len(p.parting) > 0 }

// Part closes the connections that nobody can use any more.
func (p *Pool) Part() {
	for _, l := range p.parting {
		p.Remove(l, Unpinned)
	}
	p.parting = p.parting[:0]
}

// dedicatedLost says that a dedicated connection is gone.
func (p *Pool) dedicatedLost(l *Conn, failed bool) {
	set := p.sets[l.Key]
	set.idle = slices.DeleteFunc(set.idle, func(other *Conn) bool { return other == l })
	if !l.Owned {
		return
	}
	l.Owned = false
	if failed {
		set.failing, set.afreshAt = true, p.Clock.Now+DedicatedRetry
	}
	p.Users.DedicatedLost(l, failed)
}

package upstream

import (
	"slices"
	"time"

	"evergate/topology"
)

const (
	// dedicatedKept bounds the idle dedicated connections to one server.
	dedicatedKept = 32
	// DedicatedRetry is how long a session waits before it asks again for a dedicated connection that could not be
	// opened.
	DedicatedRetry = 100 * time.Millisecond
)

// dedicatedKey is the Key of dedicated connections to a node.
func dedicatedKey(s *Servers, n *topology.Node, setup Setup) Key {
	return Key{Service: s.Index, Node: n.ID, Purpose: Dedicated, Setup: setup}
}

// DedicatedSet returns the dedicated connections to a node. None is dialled before a session needs it.
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

// TakeIdle returns an idle dedicated connection, or nil. bypass: it is for what must reach a busy server.
func (set *Set) TakeIdle(bypass bool) *Conn {
	last := len(set.idle) - 1
	if last < 0 || set.mustWait(set.idle[last]) {
		return nil
	}
	l := set.idle[last]
	set.idle = set.idle[:last]
	l.Bypass = bypass // BUSY is an answer there
	return l
}

// MayDialDedicated reports whether one more dedicated connection to a node may be dialled. After one that failed they
// are tried one at a time. At the bound it closes an idle one with another setup.
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
	if open >= s.pool.DedicatedMax && spare != nil { // its setup is another one
		s.pool.Remove(spare, Unpinned)
		open--
	}
	return open < s.pool.DedicatedMax
}

// KeepIdle keeps a dedicated connection whose session has left it for the next one, and reports whether it can be used
// again.
func (p *Pool) KeepIdle(l *Conn) bool {
	set := p.sets[l.Key]
	if l.Bypass || l.Once || !l.Usable(p.Clock.Now) || l.Owes() || len(set.idle) >= dedicatedKept {
		return false
	}
	l.UsedAt = p.Clock.Now
	set.idle = append(set.idle, l)
	p.Clock.At(p.Clock.Now + IdleAfter)
	return true
}

// DialDedicated dials one more dedicated connection; see TakeIdle.
func (set *Set) DialDedicated(bypass bool) *Conn {
	l := set.make()
	l.Bypass = bypass
	set.servers.pool.dial(l)
	if set.failing {
		set.trial = l
	}
	return l
}

// EndDedicated closes a dedicated connection whose session has left it at the end of the round, since it may be the one
// that is being read, or lost. Replies on it are dropped.
func (p *Pool) EndDedicated(l *Conn) { p.parting = append(p.parting, l) }

// Parting reports whether there are such connections.
func (p *Pool) Parting() bool { return len(p.parting) > 0 }

// Part closes them.
func (p *Pool) Part() {
	for _, l := range p.parting {
		p.Remove(l, Unpinned)
	}
	p.parting = p.parting[:0]
}

// dedicatedLost handles the end of a dedicated connection; failed: it could not be opened.
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

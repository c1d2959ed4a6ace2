package upstream

import (
	"time"

	"evergate/topology"
)

// A demoted primary (the view names it as Demoted) gets not one byte more. What was not sent goes back to its sessions
// at once; what was sent may still be answered, for a grace. When nothing is owed any more the worker says that it
// has settled, and the control plane may publish the new primary: otherwise one worker would acknowledge there while
// another still passes on what the old one says.

const (
	// retireGrace is how long a connection whose node lost its role may take to answer what it was sent, successorGrace
	// how long when the new primary waits for it.
	retireGrace    = time.Second
	successorGrace = 50 * time.Millisecond
)

// Leave sorts out the connections of a service under a new view: which are to end, and when. old is the view before.
func (s *Servers) Leave(old *topology.View) {
	for _, l := range s.pool.conns { // all are marked before the first can end: see settle
		if l != nil && l.Key.Service == s.Index && l.Key.Purpose != Replica && l.Key.Purpose != Subscription {
			l.Draining = l.Draining || s.View.Demoted(l.Key.Node) != nil
		}
	}
	for _, l := range s.pool.conns {
		switch {
		case l == nil || l.Key.Service != s.Index || l.Key.Purpose == Subscription:
		case l.Draining:
			s.leaveConn(l, old)
		case !s.pool.sets[l.Key].needed():
			s.pool.retire(l)
		}
	}
	s.settle()
}

// leaveConn goes on with a connection to a demoted primary, or ends that.
func (s *Servers) leaveConn(l *Conn, old *topology.View) {
	switch s.View.Judge(old, l.Key.Node, "", -1) {
	case topology.StillOpen:
		s.pool.retire(l)
		if sh := s.View.Demoted(l.Key.Node); l.State == Open && sh != nil && sh.Successor != nil {
			grace := successorGrace
			if sh.DemotedSilent && l.Silent { // a paused one would answer the control plane
				grace = 0
			}
			l.RetireAt = min(l.RetireAt, s.pool.Clock.Now+grace)
			s.pool.Clock.At(l.RetireAt)
		}
	case topology.KeptRole:
		l.Draining = false
		if l.Retiring {
			s.pool.retire(l) // it cannot be written to again, but what it still says is true
		}
	default: // its word counts for nothing any more
		s.pool.retire(l)
		if l.State == Open {
			s.pool.Lose(l, Retired)
		}
	}
}

// settle says once for each view that nothing is owed by demoted primaries any more.
func (s *Servers) settle() {
	if s.View == nil || s.left == s.View.Epoch {
		return
	}
	for _, l := range s.pool.conns {
		if l != nil && l.Draining && l.Key.Service == s.Index {
			return
		}
	}
	s.left = s.View.Epoch
	s.pool.Settled(s.Index, s.View.Epoch)
}

// retire ends a connection that is not needed any more. What was not sent goes back at once; what was sent gets a
// grace.
func (p *Pool) retire(l *Conn) {
	if l.State != Open {
		p.Remove(l, Retired)
		return
	}
	p.takeBack(l)
	if !l.Awaits() {
		l.Retiring = true
		p.Lose(l, Retired)
	} else if !l.Retiring {
		l.Retiring, l.RetireAt = true, p.Clock.Now+retireGrace
		p.Clock.At(l.RetireAt)
	}
}

// takeBack gives requests that the kernel never took whole back to their sessions: they were not executed.
func (p *Pool) takeBack(l *Conn) {
	if l.Queue.Pending() == 0 {
		return
	}
	unsent := l.Unsent()
	for i := range unsent {
		p.Users.Lost(l, &unsent[i], false, Retired)
	}
	l.DropUnsent()
}

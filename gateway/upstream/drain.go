package upstream

import (
	"time"

	"evergate/topology"
)

// A demoted primary (topology.Shard.Demoted) gets not one byte more. Requests that were not sent are returned to their
// sessions at once; those that were sent may still be answered, for a grace period. When no connection owes a reply any
// more the worker reports that it has settled, and the control plane may publish the new primary. Otherwise one worker
// would acknowledge writes there while another still passed on replies of the old one.

const (
	// retireGrace is how long a connection whose node lost its role may take to answer what was sent, successorGrace
	// how long when the new primary is known, and waits for it.
	retireGrace    = time.Second
	successorGrace = 50 * time.Millisecond
)

// Leave retires the connections of a service that the present view does not need, and drains those to demoted
// primaries. old is the view before.
func (s *Servers) Leave(old *topology.View) {
	for _, l := range s.pool.conns { // all are marked before the first one can end, for settle
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
	s.lateLed()
	s.settle()
}

// leaveConn drains a connection to a demoted primary, or ends that.
func (s *Servers) leaveConn(l *Conn, old *topology.View) {
	switch s.View.Judge(old, l.Key.Node, "", -1) {
	case topology.StillOpen:
		s.pool.retire(l)
		if sh := s.View.Demoted(l.Key.Node); l.State == Open && sh != nil && sh.Successor != nil {
			grace := successorGrace
			if sh.DemotedSilent && l.Silent { // a server that is only paused would answer the control plane
				grace = 0
			}
			l.RetireAt = min(l.RetireAt, s.pool.Clock.Now+grace)
			s.pool.Clock.At(l.RetireAt)
		}
	case topology.KeptRole:
		l.Draining = false
		if l.Retiring {
			s.pool.retire(l) // nothing can be written to it any more, but its replies count
		}
	default: // its replies do not count any more
		s.pool.retire(l)
		if l.State == Open {
			s.pool.Lose(l, Retired)
		}
	}
}

// settle reports once for each view that demoted primaries owe nothing any more.
func (s *Servers) settle() {
	if s.View == nil || s.left == s.View.Epoch {
		return
	}
	for _, l := range s.pool.conns {
		if l != nil && l.Draining && l.Key.Service == s.Index {
			return
		}
	}
	if s.left = s.View.Epoch; s.allLeft() {
		s.pool.Settled(s.Of, s.View.Epoch)
	}
}

// retire ends a connection that is not needed any more. Requests that were not sent are returned at once; the others
// get a grace period.
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

// takeBack returns requests that the kernel did not take whole to their sessions: they were not executed.
func (p *Pool) takeBack(l *Conn) {
	if l.Queue.Pending() == 0 {
		return
	}
	p.Users.GiveUp(l)
	unsent := l.Unsent()
	for i := range unsent {
		p.Users.Lost(l, &unsent[i], false, Retired)
	}
	l.DropUnsent()
	p.Users.Resized(l)
}

package upstream

import (
	"slices"

	"evergate/topology"
)

// Report passes an observation about the node of a connection on to the control plane.
func (p *Pool) Report(l *Conn, kind topology.ReportKind) {
	s := p.servers[l.Key.Service]
	if s.View == nil {
		return
	}
	p.Config.Reported(s.Of, topology.Report{
		Kind: kind, Node: l.Key.Node, Shard: s.View.ShardOf(l.Key.Node), Epoch: s.View.Epoch, Slot: -1,
	})
}

// Lose closes an open connection that cannot be used any more, and settles what is in flight.
func (p *Pool) Lose(l *Conn, why LostReason) {
	p.HangUp(l)
	p.lost(l, why)
}

// HangUp makes the loop close a connection, and nothing else.
func (p *Pool) HangUp(l *Conn) { p.out.CloseConns = append(p.out.CloseConns, l.ID) }

// lost settles all that was in flight on a connection that has ended, and dials again if it is needed.
func (p *Pool) lost(l *Conn, why LostReason) {
	s := p.servers[l.Key.Service]
	p.Users.GiveUp(l)
	sharded := s.View.IsSharded()
	lost := l.Lost(sharded)
	if slices.ContainsFunc(lost, func(r Lost) bool { return r.Fate == Uncertain }) {
		s.kill.Add(l) // before any client knows
	}
	p.leaveMarks(l, false)
	if l.Key.Purpose == Dedicated {
		p.dedicatedLost(l, false)
	}
	p.Users.Unconfirmed(l)
	for i := range lost {
		p.Users.Lost(l, &lost[i], i == 0, why)
	}
	p.StartOver(l, why)
}

// StartOver dials a connection that has ended again if it is needed. Nothing may be in flight on it any more.
func (p *Pool) StartOver(l *Conn, why LostReason) {
	retiring, since := l.Retiring, p.Clock.Now
	if l.Silent {
		since = l.WaitsFrom
	}
	steady := p.Clock.Now-l.OpenedAt >= SteadyAfter
	l.Reset()
	l.State = Waiting
	if why != Retired && why != Refused && why != Unpinned {
		p.Report(l, topology.ConnectionLost)
	}
	unneeded := p.Users.Ended(l, since)
	switch {
	case unneeded || retiring || !p.sets[l.Key].needed() || l.Key.Purpose == Dedicated:
		p.Remove(l, why)
		return
	case steady:
		l.Attempts = 0
		p.dial(l)
	default:
		p.redial(l)
	}
	p.counts.lost(l, why)
}

// Remove closes a connection for good. What was in flight must have been settled.
func (p *Pool) Remove(l *Conn, why LostReason) {
	if l.State == Gone {
		return
	}
	if l.State == Open || l.State == Dialing {
		p.HangUp(l)
	}
	p.counts.lost(l, why)
	if l.Acks.Owes() {
		p.Users.Unconfirmed(l)
	}
	p.leaveMarks(l, true) // of a dedicated connection whose client has left
	l.Inflight.Reset()
	l.State = Gone
	p.conns[l.ID] = nil
	p.freed[0] = append(p.freed[0], l.ID)
	p.servers[l.Key.Service].conns--
	if l.measured.conns--; l.measured.conns == 0 {
		p.servers[l.Key.Service].forgetTimes()
	}
	p.out.Dials = slices.DeleteFunc(p.out.Dials, func(d Dial) bool { return d.Conn == l.ID })
	set := p.sets[l.Key]
	if l.Key.Purpose == Dedicated {
		p.dedicatedLost(l, why == DialFailed)
	}
	for i := range set.conns {
		if set.conns[i] == l {
			set.conns = append(set.conns[:i], set.conns[i+1:]...)
			break
		}
	}
	if len(set.conns) == 0 && !set.needed() {
		delete(p.sets, l.Key)
	}
	if l.Draining {
		p.servers[l.Key.Service].settle()
	}
}

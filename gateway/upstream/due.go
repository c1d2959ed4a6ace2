package upstream

import (
	"time"

	"evergate/topology"
)

// Due does what is due for the connections, and asks the clock for the next time. There are few connections, so all are
// looked at; with thousands a heap would be worth it.
func (p *Pool) Due() {
	for _, l := range p.conns {
		if l != nil {
			l.timer(p)
		}
	}
	if p.looks.at > p.Clock.Now {
		p.Clock.At(p.looks.at)
	}
	for _, s := range p.servers {
		if s != nil && len(s.late) > 0 {
			s.lateDue()
		}
	}
}

// timer does so for one connection.
func (l *Conn) timer(p *Pool) {
	switch l.State {
	case Dialing:
		if p.Clock.Now < l.DialledAt+dialGrace {
			p.Clock.At(l.DialledAt + dialGrace)
		} else if l.Attempts == 0 {
			l.Attempts = 1 // it takes long: reads go to other servers
			p.Users.Elsewhere(l.Key.Service)
		}
	case Waiting:
		if p.Clock.Now >= l.RedialAt {
			p.dial(l)
		} else {
			p.Clock.At(l.RedialAt)
		}
	case Open:
		l.openTimer(p)
	}
}

// openTimer does so for one that is open.
func (l *Conn) openTimer(p *Pool) {
	p.listen(l)
	if l.health.out() {
		l.askLeftOut(p)
	}
	if l.Slicing() || l.WriteAt > 0 {
		p.Dirty(l)
	}
	if l.RefusingUntil > 0 {
		if p.Clock.Now >= l.RefusingUntil {
			l.RefusingUntil = 0
			p.Users.Usable(l.Key.Service)
		} else {
			p.Clock.At(l.RefusingUntil)
		}
	}
	if l.Paused {
		if pause := p.Users.Stopped(l); pause > 0 {
			p.Clock.At(p.Clock.Now + pause)
		} else {
			p.Read(l, true)
		}
	}
	if l.Retiring {
		if p.Clock.Now < l.RetireAt {
			p.Clock.At(l.RetireAt)
		} else {
			p.Lose(l, Retired)
			return
		}
	}
	if l.Key.Purpose == Subscription {
		p.Users.Look(l)
		return
	}
	if set := p.sets[l.Key]; !l.Owned && (l.Key.Purpose == Dedicated || len(set.conns) > 1 && set.conns[0] != l) {
		if idleAt := l.UsedAt + IdleAfter; l.Inflight.Len() == 0 && p.Clock.Now >= idleAt {
			p.Remove(l, Idle)
		} else {
			p.Clock.At(max(idleAt, p.Clock.Now+time.Second))
		}
	}
}

// CannotServe sends no new requests on a connection for a pause, since its server replied that it cannot serve now. The
// control plane gets a report of this kind.
func (p *Pool) CannotServe(l *Conn, how topology.ReportKind, pause time.Duration) {
	l.RefusingUntil, l.OnTrial = p.Clock.Now+pause, true
	p.Clock.At(l.RefusingUntil)
	l.leaveOut(p)
	p.Report(l, how)
}

// Serves records that the server of a connection executed a request, or rejected it for another reason.
func (p *Pool) Serves(l *Conn) {
	if l.OnTrial {
		l.OnTrial = false
		p.Users.Usable(l.Key.Service)
	}
}

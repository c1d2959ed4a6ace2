package upstream

import (
	"time"

	"evergate/gateway/session"
	"evergate/topology"
)

// A server that was stopped, or cut off by the network, closes nothing. Its connection is silent when the oldest
// request that was sent has waited for a while without a byte having come. The server may also just be busy with a long
// command, so silence is no failover: the connection takes no new requests, reads are retried on other servers,
// sessions are blocked, and the control plane gets a report. The first byte ends it.

const (
	// silentMin and silentMax bound what is derived from the servers' own timeout (topology.View.DownAfter): a quarter
	// of it.
	silentMin = 100 * time.Millisecond
	silentMax = time.Second
	// slowAfter is when the control plane is asked to look whether a script keeps the server busy.
	slowAfter = 100 * time.Millisecond
	// silentRead is the longest that a read waits for one server while another one could serve it.
	silentRead = 250 * time.Millisecond
	// afreshEvery is the shortest time between two dials to a silent server.
	afreshEvery = time.Second
)

// TakeTimes derives from the present view how long connections may be silent.
func (s *Servers) TakeTimes() {
	after := s.silentAfter
	if after == 0 {
		after = silentMax
		if s.View != nil && s.View.DownAfter > 0 {
			after = min(max(s.View.DownAfter/4, silentMin), silentMax)
		}
	}
	for purpose := range s.silent {
		s.silent[purpose] = after
	}
	s.silent[Replica] = min(after, silentRead)
}

// listen checks whether a connection has fallen silent. The loop itself may have been held up, so what has come by now
// is read before anything is concluded.
func (p *Pool) listen(l *Conn) {
	if l.Silent || l.Paused || !l.Awaits() || l.Inflight.Front().Flags&Blocking != 0 {
		return
	}
	s := p.servers[l.Key.Service]
	silent := l.WaitsFrom + s.silent[l.Key.Purpose] + l.waiting()
	late := silent // when reads have waited long enough
	if s.Reads == session.PreferReplica {
		late = min(silent, l.WaitsFrom+silentRead)
	}
	slow := min(l.WaitsFrom+slowAfter, late)
	if p.Clock.Now >= slow && !l.Slow {
		l.Slow = true
		if !l.Retiring {
			kind := topology.ConnectionSlow
			if l.Inflight.Front().Flags&Confirms != 0 {
				kind = topology.Unconfirmed
			}
			p.Report(l, kind)
		}
	}
	switch {
	case p.Clock.Now < slow:
		p.Clock.At(slow)
	case p.Clock.Now < late:
		p.Clock.At(late)
	case !l.Suspected:
		l.Suspected = true
		p.Clock.At(p.Clock.Now)
	case p.Clock.Now < silent:
		if !l.SentOn {
			l.SentOn = true
			l.leaveOut(p)
			p.Users.Slow(l)
		}
		p.Clock.At(silent)
	default:
		l.Silent = true
		l.leaveOut(p)
		p.counts.ConnsSilent++
		l.measured.Conns.Silent++
		if !l.Retiring {
			p.Report(l, topology.ConnectionSilent)
		}
		p.Users.Silent(l)
	}
}

// listenFrom begins to wait for a reply: it asks for the round in which the connection may be slow or silent.
func (p *Pool) listenFrom(l *Conn) {
	p.Clock.At(p.Clock.Now + min(slowAfter, p.servers[l.Key.Service].silent[l.Key.Purpose]))
}

// Heard records that n bytes came from the server of a connection.
func (p *Pool) Heard(l *Conn, n int) {
	p.counts.UpstreamInBytes += uint64(n)
	if l.Key.Purpose == Replica && l.Awaits() {
		l.heard(p, p.Clock.Now-l.WaitsFrom)
	}
	l.WaitsFrom, l.Slow, l.Suspected, l.SentOn, l.Late = p.Clock.Now, false, false, false, false
	if l.Silent {
		l.Silent = false
		p.listenFrom(l) // listen skips silent connections
		p.Users.Usable(l.Key.Service)
	} else if l.Owned && l.Acks.Owes() {
		p.listenFrom(l) // nothing was waited for while a blocking command was in front of the WAIT
	}
	if l.WriteAt > 0 { // what waited for a reply is written
		l.WriteAt = p.Clock.Now
		p.Dirty(l)
	}
}

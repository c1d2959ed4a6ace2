package upstream

import (
	"time"

	"evergate/topology"
)

// A server that was stopped, or cut off without a word, closes nothing: its connection is silent when the oldest
// request that was sent has waited for a while without a byte having come. It may also just be busy with a long
// command, so silence is never a failover. The connection takes no new flights: who has nothing on it reads elsewhere
// or parks, and the control plane is told. The first byte ends it.

const (
	// silentMin and silentMax bound what is derived from how long the servers themselves wait (topology.View.DownAfter):
	// a quarter of it.
	silentMin = 100 * time.Millisecond
	silentMax = time.Second
	// slowAfter is when the control plane is asked to look whether a script keeps the server busy.
	slowAfter = 100 * time.Millisecond
	// silentRead is the longest that a read waits for one server while another could answer.
	silentRead = 250 * time.Millisecond
	// afreshEvery is the shortest time between two fresh connections to a silent server.
	afreshEvery = time.Second
)

// TakeTimes finds how long connections of each purpose may be silent under the present view.
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

// listen looks whether a connection has fallen silent. The loop itself may have been held up: what has come by now is
// read before anything is concluded.
func (p *Pool) listen(l *Conn) {
	if l.Silent || l.Paused || !l.Awaits() || l.Inflight.Front().Flags&Blocking != 0 {
		return
	}
	s := p.servers[l.Key.Service]
	silent := l.WaitsFrom + s.silent[l.Key.Purpose]
	late := silent // when reads have waited long enough
	if s.Reads == PreferReplica {
		late = min(silent, l.WaitsFrom+silentRead)
	}
	slow := min(l.WaitsFrom+slowAfter, late)
	if p.Clock.Now >= slow && !l.Slow {
		l.Slow = true
		if !l.Retiring {
			p.Report(l, topology.ConnectionSlow)
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
			p.Users.Slow(l)
		}
		p.Clock.At(silent)
	default:
		l.Silent = true
		p.counts.ConnsSilent++
		if !l.Retiring {
			p.Report(l, topology.ConnectionSilent)
		}
		p.Users.Silent(l)
	}
}

// listenFrom has a round begin in which it is seen whether the connection is slow or silent.
func (p *Pool) listenFrom(l *Conn) {
	p.Clock.At(p.Clock.Now + min(slowAfter, p.servers[l.Key.Service].silent[l.Key.Purpose]))
}

// Heard takes note that a connection's server said n bytes.
func (p *Pool) Heard(l *Conn, n int) {
	p.counts.UpstreamInBytes += uint64(n)
	l.WaitsFrom, l.Slow, l.Suspected, l.SentOn = p.Clock.Now, false, false, false
	if l.Silent {
		l.Silent = false
		p.listenFrom(l) // nothing has looked since
		p.Users.Usable(l.Key.Service)
	}
}

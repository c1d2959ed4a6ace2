package exchange

import (
	"time"

	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/topology"
)

// Where the servers decide what a user may do, its sessions are those of a sub-service with connections of its own
// (upstream.Pool.AddUser). A session moves there when its client has authenticated.

// Move makes a session one of another service with the same servers. Nothing of it may be under way, and it must not
// listen. Keys that it watches were watched on a connection of the old service: EXEC answers nil, as if they had
// changed.
func (x *Exchange) Move(c *Session, to *Service) {
	if c.Service == to {
		return
	}
	if c.dedicated != nil {
		x.Release(c)
	}
	if c.rare == &c.Service.none {
		c.rare = &to.none
	}
	c.Service.leave()
	c.Service = to
	to.sessions++
}

// Close records whether a server has rejected a client without credentials.
func (s *Service) Close(closed bool) { s.closed = closed }

// UnusedFor is for how long a service has had no session; false while it has some.
func (s *Service) UnusedFor() (d time.Duration, unused bool) {
	return s.x.clock.Now - s.unusedSince, s.sessions == 0
}

// Awaited reports whether sessions wait for a server of the service.
func (s *Service) Awaited() bool {
	for i := range s.holds {
		if _, waits := s.holds[i].Next(); waits {
			return true
		}
	}
	return !s.full.Empty()
}

// AwaitsOthers returns the sessions that wait for a shard whose primary is another node than this one.
func (s *Service) AwaitsOthers(node topology.NodeID) map[session.Ref]bool {
	others := map[session.Ref]bool{}
	for i := range s.holds {
		if s.View == nil || i >= len(s.View.Shards) || s.View.Shards[i].Primary != nil &&
			s.View.Shards[i].Primary.ID == node {
			continue
		}
		for ref := range s.holds[i].All {
			others[ref] = true
		}
	}
	return others
}

// Moves reports whether a session may move to another service now: nothing of it is under way. Otherwise what is under
// way wakes it when it ends.
func (c *Session) Moves() bool {
	return c.Replies.Owed() == 0 && len(c.inFlight) == 0 && len(c.retries) == 0 && !c.Withholds()
}

// Expel answers with an error whatever of a session waits for a server, and closes it when it has got what it is owed:
// the servers do not accept its credentials any more.
func (x *Exchange) Expel(c *Session, why []byte) {
	if len(c.retries) == 0 && c.AwaitsServer() {
		x.Answer(c, why)
	}
	for len(c.retries) > 0 && !c.closed {
		a := c.retries[0]
		c.dropFirst()
		x.Settle(c, &upstream.Pending{Seq: a.Seq, Part: a.Part}, why)
	}
	x.End(c, session.UserGone)
	x.Wake(c)
}

// Expellable reports whether a session waits for a server; idle: or nothing of it is under way.
func (c *Session) Expellable(idle bool) bool {
	return c.AwaitsServer() || len(c.retries) > 0 || idle && c.Moves()
}

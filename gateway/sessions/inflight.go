package sessions

import (
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
)

// A session uses one connection at a time for each shard, and moves to another one when nothing is in flight there.
// How much may be in flight for it is bounded by Session.OwedTooMuch.

// inFlight is how many replies one connection owes a session for a shard.
type inFlight struct {
	conn    *upstream.Conn
	shard   int32
	owed    int32
	foreign bool // see InFlightTo
}

// owing are the connections that owe a session replies, at most one for each shard of the view with inFlightEpoch.
type owing struct {
	inFlight      []inFlight
	inFlightEpoch uint64
}

// inFlightTo returns what is in flight to a shard, or nil.
func (s *owing) inFlightTo(shard int) *inFlight {
	for i := range s.inFlight {
		if int(s.inFlight[i].shard) == shard {
			return &s.inFlight[i]
		}
	}
	return nil
}

// InFlight reports whether servers owe the session a reply.
func (s *owing) InFlight() bool { return len(s.inFlight) > 0 }

// InFlightEpoch is the epoch of the view under which these replies were asked for; meaningful while InFlight.
func (s *owing) InFlightEpoch() uint64 { return s.inFlightEpoch }

// InFlightUnder reports whether servers owe the session replies to requests that were sent under another view than the
// one with this epoch.
func (s *owing) InFlightUnder(epoch uint64) bool {
	return len(s.inFlight) > 0 && s.inFlightEpoch != epoch
}

// InFlightOnly reports whether nothing of the session is in flight on another connection than l.
func (s *owing) InFlightOnly(l *upstream.Conn) bool {
	for i := range s.inFlight {
		if s.inFlight[i].conn != l {
			return false
		}
	}
	return true
}

// InFlightOn returns the connection that the session uses for a shard now, or nil.
func (s *owing) InFlightOn(shard int) *upstream.Conn {
	l, _ := s.InFlightTo(shard)
	return l
}

// InFlightTo is InFlightOn. foreign: the view does not name that connection for the shard (a redirection named it, or
// COMMAND asks the server with the lowest version). Requests that the view sends to the shard must not join.
func (s *owing) InFlightTo(shard int) (l *upstream.Conn, foreign bool) {
	if f := s.inFlightTo(shard); f != nil {
		return f.conn, f.foreign
	}
	return nil, false
}

// InFlightAlone returns how many replies a connection owes the session for a shard; 0 if another one may not be asked
// for them: the view with this epoch does not name the connection, or is another one than they were asked for under.
func (s *owing) InFlightAlone(shard int, l *upstream.Conn, epoch uint64) int {
	f := s.inFlightTo(shard)
	if f == nil || f.conn != l || f.foreign || s.InFlightUnder(epoch) {
		return 0
	}
	return int(f.owed)
}

// Sent counts a request that was sent to a shard; foreign is that of InFlightTo.
func (c *Session) Sent(l *upstream.Conn, shard int, foreign bool) {
	if l.Carries == upstream.Nobody {
		c.own().sentLong = true
	}
	if f := c.inFlightTo(shard); f != nil {
		f.owed++
		return
	}
	if c.Service.View != nil {
		c.inFlightEpoch = c.Service.View.Epoch
	}
	c.inFlight = append(c.inFlight, inFlight{conn: l, shard: int32(shard), owed: 1, foreign: foreign})
}

// Landed counts a reply to a request that was sent to a shard. The last one of a connection may be what the session
// waits for.
func (x *Sessions) Landed(c *Session, shard int16) {
	for i := range c.inFlight {
		if c.inFlight[i].shard != int32(shard) {
			continue
		}
		c.inFlight[i].owed--
		if c.inFlight[i].owed == 0 {
			last := len(c.inFlight) - 1
			c.inFlight[i] = c.inFlight[last]
			c.inFlight = c.inFlight[:last]
			if c.sentLong {
				c.sentLong = last > 0
				x.Account(c)
			}
			if c.Reason == wait.InFlight || c.Reason == wait.Blocked || len(c.retries) > 0 && len(c.inFlight) == 0 {
				x.Wake(c)
			}
		}
		break
	}
	if c.Reason == wait.OwedTooMuch && c.owesLittle() {
		x.Wake(c)
	}
	x.CloseIfDone(c)
}

// Hedge is all that a session has in flight to a shard, while that is in flight on two connections: reads of which the
// first is late. The first reply decides on which of the two the session goes on.
type Hedge struct {
	// First is the connection that the session uses for the shard, Second the one to another replica.
	First, Second *upstream.Conn
	Shard         int16
	// N is how many reads there are. FirstEnd and SecondEnd are the offsets at which the oldest one ends on each
	// connection.
	N                   int
	FirstEnd, SecondEnd uint64
	// Sent is when they were sent on Second.
	Sent wait.Stamp
}

// Other is the other one of the two connections.
func (h *Hedge) Other(l *upstream.Conn) *upstream.Conn {
	if l == h.First {
		return h.Second
	}
	return h.First
}

// End is the offset at which the oldest read ends on one of them.
func (h *Hedge) End(l *upstream.Conn) uint64 {
	if l == h.First {
		return h.FirstEnd
	}
	return h.SecondEnd
}

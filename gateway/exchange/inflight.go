package exchange

import (
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
)

// A session uses one connection at a time for each shard, and moves to another one when nothing is in flight there.
// How much may be in flight for it is bounded by Session.OwedTooMuch.

// inFlight is how many replies one connection owes a session for a shard.
type inFlight struct {
	conn  *upstream.Conn
	shard int32
	owed  int32
	// foreign: the connection is not the one that the view names for this shard (a redirection named it, or COMMAND
	// asks the server with the lowest version). Requests that the view sends to the shard must not join.
	foreign bool
}

// inFlightTo returns what is in flight to a shard, or nil.
func (c *Session) inFlightTo(shard int) *inFlight {
	for i := range c.inFlight {
		if int(c.inFlight[i].shard) == shard {
			return &c.inFlight[i]
		}
	}
	return nil
}

// InFlightOn returns the connection that the session uses for a shard now, or nil.
func (c *Session) InFlightOn(shard int) *upstream.Conn {
	if f := c.inFlightTo(shard); f != nil {
		return f.conn
	}
	return nil
}

// Landed counts a reply to a request that was sent to a shard. The last one of a connection may be what the session
// waits for.
func (x *Exchange) Landed(c *Session, shard int16) {
	for i := range c.inFlight {
		if c.inFlight[i].shard != int32(shard) {
			continue
		}
		c.inFlight[i].owed--
		if c.inFlight[i].owed == 0 {
			last := len(c.inFlight) - 1
			c.inFlight[i] = c.inFlight[last]
			c.inFlight = c.inFlight[:last]
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

package exchange

import (
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
)

// inFlight is what one connection owes a session.
type inFlight struct {
	conn  *upstream.Conn
	shard int32
	owed  int32
	// foreign: the connection is not the view's for this shard (a redirection named it, or COMMAND asks the lowest
	// version); nothing else may join.
	foreign bool
}

// inFlightTo returns the flight of a shard, or nil.
func (c *Session) inFlightTo(shard int) *inFlight {
	for i := range c.inFlight {
		if int(c.inFlight[i].shard) == shard {
			return &c.inFlight[i]
		}
	}
	return nil
}

// InFlightOn returns the connection that a shard's flight is on, or nil.
func (c *Session) InFlightOn(shard int) *upstream.Conn {
	if f := c.inFlightTo(shard); f != nil {
		return f.conn
	}
	return nil
}

// Landed counts one reply of a flight. When it was the last the session may have waited for it.
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
	x.Finished(c)
}

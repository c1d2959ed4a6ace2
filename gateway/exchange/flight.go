package exchange

import (
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
)

// flight is what one lane owes a session.
type flight struct {
	conn  *upstream.Conn
	shard int32
	owed  int32
	// foreign: the lane is not the view's for this shard (a redirection named it, or COMMAND asks the lowest
	// version); nothing else may join.
	foreign bool
}

// flightOf returns the flight of a shard, or nil.
func (c *Session) flightOf(shard int) *flight {
	for i := range c.flights {
		if int(c.flights[i].shard) == shard {
			return &c.flights[i]
		}
	}
	return nil
}

// FlightOn returns the connection that a shard's flight is on, or nil.
func (c *Session) FlightOn(shard int) *upstream.Conn {
	if f := c.flightOf(shard); f != nil {
		return f.conn
	}
	return nil
}

// Landed counts one reply of a flight. When it was the last the session may have waited for it.
func (x *Exchange) Landed(c *Session, shard int16) {
	for i := range c.flights {
		if c.flights[i].shard != int32(shard) {
			continue
		}
		c.flights[i].owed--
		if c.flights[i].owed == 0 {
			last := len(c.flights) - 1
			c.flights[i] = c.flights[last]
			c.flights = c.flights[:last]
			if c.Reason == wait.InFlight || c.Reason == wait.Blocked || len(c.retries) > 0 && len(c.flights) == 0 {
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

// Wake puts a parked session on the list of those that run before the round ends.
func (x *Exchange) Wake(c *Session) {
	if !c.closed {
		x.clock.Wake(c.Ref, &c.Place)
	}
}

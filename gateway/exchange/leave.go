package exchange

import "evergate/gateway/session"

// Close ends a client at once.
func (x *Exchange) Close(c *Session, why session.CloseReason) {
	if !c.closed {
		x.outs.CloseClients = append(x.outs.CloseClients, c.Ref.ID)
		x.forget(c, why)
	}
}

// forget removes a client. Its tickets stay on their lanes; their replies find nobody.
func (x *Exchange) forget(c *Session, why session.CloseReason) {
	c.closed = true
	x.release(c)
	x.notHeld(c, &x.totals.HoldLeft)
	if c.Ending || c.HalfClosed {
		x.endings--
	}
	if c.dedicated != nil {
		x.Release(c)
	}
	x.conf.Verbs.Closed(c)
	x.totals.ClientsClosed[why]++
	for i := range c.flights {
		if l := c.flights[i].conn; l.Paused {
			x.pool.Read(l, true)
		}
	}
	c.Output.Drop(x.blocks)
	c.pushes.Drop(x.blocks)
	c.Input.Forget()
	c.retries, c.composites, c.flights, c.withheld = nil, nil, nil, nil
	x.clients[c.Ref.ID] = nil
	x.freed[0] = append(x.freed[0], c.Ref.ID)
	x.open--
}

// End stops reading from a client and closes it when all it is owed has been written.
func (x *Exchange) End(c *Session, why session.CloseReason) {
	if c.Ending || c.closed {
		return
	}
	if !c.HalfClosed {
		x.Leaves(c)
	}
	c.Ending, c.Why = true, why
	c.Input.Forget()
	x.conf.Verbs.Unlisten(c)
	x.Finished(c)
}

// Leaves bounds the stay of a client that is to go, see sweep.
func (x *Exchange) Leaves(c *Session) {
	c.ActiveAt = x.clock.Now
	x.endings++
	x.clock.At(x.sweepAt)
}

// Finished closes a client that was to end and has been given all it is owed.
func (x *Exchange) Finished(c *Session) {
	if c.Ending && !c.closed && c.Replies.Owed() == 0 && c.Output.Len() == 0 {
		x.Close(c, c.Why)
	}
}

package exchange

import "evergate/gateway/session"

// Close closes a client at once. It does nothing for one that is closed.
func (t *Table) Close(c *Session, why session.CloseReason) {
	if !c.closed {
		t.outs.CloseClients = append(t.outs.CloseClients, c.Ref.ID)
		t.forget(c, why)
	}
}

// forget removes a client. Its requests stay on their connections, and their replies are dropped.
func (t *Table) forget(c *Session, why session.CloseReason) {
	c.closed = true
	t.x.release(c)
	t.x.notHeld(c, &t.x.totals.HoldLeft)
	if c.Ending || c.HalfClosed {
		t.endings--
	}
	if c.dedicated != nil {
		t.x.Release(c)
	}
	t.x.conf.Verbs.Closed(c)
	t.x.totals.ClientsClosed[why]++
	for i := range c.inFlight {
		if l := c.inFlight[i].conn; l.Paused {
			t.x.pool.Read(l, true)
		}
	}
	c.Output.Drop(t.x.blocks)
	c.pushes.Drop(t.x.blocks)
	c.Input.Forget()
	c.retries, c.composites, c.inFlight, c.withheld = nil, nil, nil, nil
	t.clients[c.Ref.ID] = nil
	t.freed[0] = append(t.freed[0], c.Ref.ID)
	t.open--
}

// End stops reading from a client, and closes it when it has got all that it is owed.
func (t *Table) End(c *Session, why session.CloseReason) {
	if c.Ending || c.closed {
		return
	}
	if !c.HalfClosed {
		t.Leaves(c)
	}
	c.Ending, c.Why = true, why
	c.Input.Forget()
	t.x.conf.Verbs.Unlisten(c)
	t.Finished(c)
}

// Leaves records that a client is to be closed soon. Sweep bounds how long that takes.
func (t *Table) Leaves(c *Session) {
	c.ActiveAt = t.x.clock.Now
	t.endings++
	t.x.clock.At(t.sweepAt)
}

// Finished closes a client that End was called for, when it has got all that it is owed.
func (t *Table) Finished(c *Session) {
	if c.Ending && !c.closed && c.Replies.Owed() == 0 && c.Output.Len() == 0 {
		t.Close(c, c.Why)
	}
}

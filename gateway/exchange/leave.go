package exchange

import (
	"time"

	"evergate/gateway/session"
	"evergate/gateway/wait"
)

// endingMax is how long a client that is to be closed, or has half-closed, may go without taking what it is owed.
const endingMax = 30 * time.Second

// sweepEvery is how often clients are searched for those to close.
const sweepEvery = time.Second

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
	t.x.Account(c)
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
		t.WillClose(c)
	}
	c.Finish(why)
	c.Input.Forget()
	t.x.Account(c)
	t.x.conf.Verbs.Unlisten(c)
	t.CloseIfDone(c)
}

// WillClose records that a client is to be closed soon. Sweep bounds how long that takes.
func (t *Table) WillClose(c *Session) {
	c.Touch(t.x.clock.Now)
	t.endings++
	t.x.clock.At(t.sweepAt)
}

// CloseIfDone closes a client that End was called for, when it has got all that it is owed.
func (t *Table) CloseIfDone(c *Session) {
	if c.Ending && !c.closed && c.Replies.Owed() == 0 && c.Output.Len() == 0 {
		t.Close(c, c.Why)
	}
}

// Sweep closes the clients that were idle or unauthenticated for too long, and those that do not read the rest of what
// they are owed. It does so once in sweepEvery, however often it is called.
func (t *Table) Sweep() {
	if t.x.conf.IdleMax == 0 && t.x.conf.AuthMax == 0 && t.endings == 0 || t.open == 0 {
		return
	}
	if t.x.clock.Now < t.sweepAt {
		t.x.clock.At(t.sweepAt)
		return
	}
	t.sweepAt = t.x.clock.Now + sweepEvery
	t.x.clock.At(t.sweepAt)
	for _, c := range t.clients {
		switch {
		case c == nil:
		case (c.Ending || c.HalfClosed) && t.x.clock.Now-max(c.ActiveAt, c.tookAt) >= endingMax:
			t.Close(c, c.Why) // session.ClientLeft for one that has half-closed
		case c.User == nil && t.x.conf.AuthMax > 0 && t.x.clock.Now-c.OpenedAt >= t.x.conf.AuthMax &&
			c.Reason != wait.Paused:
			t.Close(c, session.AuthTimeout)
		case t.x.conf.IdleMax > 0 && t.x.clock.Now-max(c.ActiveAt, c.tookAt) >= t.x.conf.IdleMax && c.idles() &&
			!c.listensOn():
			t.Close(c, session.IdleTimeout)
		}
	}
}

// idles reports whether a client that has sent nothing is idle. One with subscriptions of a Sentinel need not send
// anything, and one that waits for the end of a pause has sent something.
func (c *Session) idles() bool {
	return c.Replies.Owed() == 0 && c.Reason != wait.Paused && (c.Listens == nil || !c.Listens.Any())
}

// listensOn reports whether a client is connected in order to be sent messages, and may be silent for as long as it
// likes.
func (c *Session) listensOn() bool { return c.Subscribed() || c.Monitor.Is() }

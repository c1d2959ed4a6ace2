package sessions

import (
	"time"

	"evergate/gateway/session"
	"evergate/gateway/upstream"
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
	t.x.notHeld(c, Left)
	if c.Ending || c.HalfClosed {
		t.endings--
	}
	if c.over {
		t.overs--
	}
	t.x.ends.Closed(c)
	t.x.totals.ClientsClosed[why]++
	for i := range c.inFlight {
		if l := c.inFlight[i].conn; l.Paused {
			t.x.pool.Read(l, true)
		}
	}
	c.Output.Drop(t.x.blocks)
	c.pushes.Drop(t.x.blocks)
	c.Input.Forget()
	c.retries, c.composites, c.inFlight = nil, nil, nil
	if len(c.hedges) > 0 {
		c.hedges = nil
	}
	t.x.Account(c)
	c.Service.leave()
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
	t.x.Weigh(c)
	t.x.ends.Unlisten(c)
	t.x.Account(c)
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
	if t.x.conf.IdleMax == 0 && t.x.conf.AuthMax == 0 && t.endings+t.overs == 0 || t.open == 0 {
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
		case c.overstays(t.x.clock.Now):
			t.Close(c, c.Why)
		case c.IsStranger() && t.x.conf.AuthMax > 0 && t.x.clock.Now-c.OpenedAt >= t.x.conf.AuthMax &&
			!heldUp(c):
			t.Close(c, session.AuthTimeout)
		case t.x.conf.IdleMax > 0 && t.x.clock.Now-max(c.ActiveAt, c.tookAt) >= t.x.conf.IdleMax && c.idles() &&
			!c.listensOn():
			t.Close(c, session.IdleTimeout)
		case c.over:
			t.closeOver(c)
		}
	}
}

// idles reports whether a client that has sent nothing is idle. One with subscriptions of a Sentinel need not send
// anything, and one that is held up has sent something.
func (c *Session) idles() bool {
	return c.Replies.Owed() == 0 && !heldUp(c) && (c.Listens == nil || !c.Listens.Any())
}

// heldUp reports whether a request of a client waits for what clients were made to wait for: a pause or a rate.
func heldUp(c *Session) bool { return c.Reason == wait.Paused || c.Reason == wait.RateLimited }

// listensOn reports whether a client is connected in order to be sent messages, and may be silent for as long as it
// likes.
func (c *Session) listensOn() bool { return c.Subscribed() || c.Monitor.Is() }

// Cut describes a client that was closed because too much was kept for it.
type Cut struct {
	Why    session.CloseReason
	Number int64 // CLIENT ID
	Remote string
	Name   string // CLIENT SETNAME
	Bytes  int    // that were kept
	User   string // whose clients took too much together; empty where all clients did, or this one alone
}

// ReadsSlowly reports whether the client is a subscriber that reads too slowly.
func (c *Cut) ReadsSlowly() bool { return c.Why == session.SlowSubscriber }

// cut closes a client because too many bytes are kept for it.
func (x *Sessions) cut(c *Session, why session.CloseReason, bytes int) {
	x.noteCut(c, why, bytes, "")
	x.Close(c, why)
}

// evicted closes a client because all clients take too much memory, or those of its user.
func (x *Sessions) evicted(c *Session, ofUser bool) {
	user := ""
	if ofUser {
		user = c.Rights().Name()
	}
	var held []*upstream.Conn
	for i := range c.inFlight {
		if l := c.inFlight[i].conn; l.HoldsLong(c.Ref) > 0 && l.Alone() {
			held = append(held, l)
		}
	}
	x.noteCut(c, session.MemoryLimit, c.Footprint(), user)
	if c.Ending || c.Output.Len() > 0 { // only a close frees it
		x.Close(c, session.MemoryLimit)
	} else {
		x.EndBlocked(c, session.MemoryLimit)
	}
	for _, l := range held { // nothing else is on it, and its server may never take the rest
		x.pool.Lose(l, upstream.Unpinned)
	}
}

func (x *Sessions) noteCut(c *Session, why session.CloseReason, bytes int, user string) {
	name := ""
	if c.Identity != nil {
		name = c.Identity.Name
	}
	x.conf.Cut(c.Service.Of, Cut{Why: why, Number: c.Number, Remote: c.Remote, Name: name, Bytes: bytes, User: user})
}

package sessions

import (
	"time"

	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
)

// A session is blocked for one Reason, at its Place, and resumes when Wake is called for it: by what it waits for, or
// by its alarm. Those that wait for a server are counted, so that their number and their input have a bound.

// Waiting blocks and resumes sessions.
type Waiting struct {
	x       *Sessions
	waiting wait.Load // the sessions that wait for a server
}

// Block blocks a session for a reason of its own: its requests in flight, its connection, its replies. Whatever changes
// that wakes it.
func (w *Waiting) Block(c *Session, why wait.Reason) {
	c.Place.Block(why)
	w.x.totals.BlockedFor[why]++
	if why == wait.ConnectionFull {
		w.x.clock.At(w.x.clock.Now + upstream.FullRetry)
		c.Service.full.Add(c.Ref)
	}
}

// BlockFor blocks a session until it is woken, for as long as its Patience. over: its request has waited for so long
// already, since waited, and the session is not blocked.
func (w *Waiting) BlockFor(c *Session, why wait.Reason) (waited time.Duration, over bool) {
	patience, now := c.Patience(), w.x.clock.Now
	since := c.WaitsSince
	if since == 0 {
		since = max(now, 1)
	}
	if now-since >= patience {
		w.notHeld(c, Expired)
		return (now - since).Round(time.Millisecond), true
	}
	w.waitsFrom(c)
	w.Block(c, why)
	w.x.clock.Alarm(c.Ref, &c.Place, since+patience)
	return 0, false
}

// Wake makes a blocked session run before the round ends.
func (x *Sessions) Wake(c *Session) {
	if !c.closed {
		x.clock.Wake(c.Ref, &c.Place)
	}
}

// WakeAll wakes those of these sessions that are blocked.
func (w *Waiting) WakeAll(waiters []session.Ref) {
	for _, ref := range waiters {
		if c := w.x.Session(ref); c != nil && c.Reason != wait.Running {
			w.x.Wake(c)
		}
	}
}

// waitsFrom begins to count the wait of the request at the front, unless it has begun.
func (w *Waiting) waitsFrom(c *Session) {
	if c.BeginWait(w.x.clock.Now) {
		w.x.totals.Held++
		c.Service.counts.Held++
	}
	w.waiting.Count(&c.Place)
	w.Weigh(c)
}

// Resumed ends the wait of the request at the front: it was answered or sent.
func (w *Waiting) Resumed(c *Session) { w.notHeld(c, Released) }

// notHeld ends the wait of the request at the front, and counts how.
func (w *Waiting) notHeld(c *Session, how HeldEnd) {
	if since := c.WaitsSince; c.EndWait() {
		c.Service.countHeld(how, w.x.clock.Now-since)
	}
}

// release lets a session run, or leave.
func (w *Waiting) release(c *Session) {
	c.Place.Resume()
	w.waiting.Release(&c.Place)
}

// Weigh updates how much unread input the sessions that wait for a server have.
func (w *Waiting) Weigh(c *Session) {
	w.waiting.Weigh(&c.Place, c.Input.Len()+c.Multi.Size())
}

// holdsFull reports whether no further session may wait for a server.
func (w *Waiting) holdsFull() bool {
	return w.x.conf.HoldSessionsMax > 0 && w.waiting.Sessions >= w.x.conf.HoldSessionsMax ||
		w.x.conf.HoldBytesMax > 0 && w.waiting.Bytes >= w.x.conf.HoldBytesMax
}

// Held is how many sessions wait for a server.
func (x *Sessions) Held() int { return x.waiting.Sessions }

// WakeFull wakes the sessions that wait for a connection that was full.
func (s *Service) WakeFull() {
	s.x.WakeAll(s.full.Take())
}

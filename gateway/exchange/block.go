package exchange

import (
	"time"

	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
)

// Waiting are the sessions that wait.
type Waiting struct {
	x       *Exchange
	waiting wait.Load // those that wait for a server
}

// Block makes a session wait for something of its own: its flight, its connection, its replies. It is woken where that
// changes.
func (w *Waiting) Block(c *Session, why wait.Reason) {
	c.Reason = why
	w.x.totals.BlockedFor[why]++
	if why == wait.ConnectionFull {
		w.x.clock.At(w.x.clock.Now + upstream.FullRetry)
		c.Service.full.Add(c.Ref)
	}
}

// BlockFor blocks a session until it is woken, for as long as it may wait. over: it has waited so long, and is not
// blocked.
func (w *Waiting) BlockFor(c *Session, why wait.Reason) (waited time.Duration, over bool) {
	patience, now := c.Patience(), w.x.clock.Now
	since := c.WaitsSince
	if since == 0 {
		since = max(now, 1)
	}
	if now-since >= patience {
		w.notHeld(c, &w.x.totals.HoldExpired)
		return (now - since).Round(time.Millisecond), true
	}
	w.waitsFrom(c)
	w.Block(c, why)
	w.x.clock.Alarm(c.Ref, &c.Place, since+patience)
	return 0, false
}

// Wake puts a parked session on the list of those that run before the round ends.
func (x *Exchange) Wake(c *Session) {
	if !c.closed {
		x.clock.Wake(c.Ref, &c.Place)
	}
}

func (w *Waiting) WakeAll(waiters []session.Ref) {
	for _, who := range waiters {
		if c := w.x.Session(who); c != nil && c.Reason != wait.Running {
			w.x.Wake(c)
		}
	}
}

// waitsFrom begins the wait of the request in front, unless it has begun.
func (w *Waiting) waitsFrom(c *Session) {
	if c.WaitsSince == 0 {
		c.WaitsSince = max(w.x.clock.Now, 1)
		w.x.totals.Held++
	}
	w.waiting.Count(&c.Place)
	w.Weigh(c)
}

// Resumed ends the wait of the request in front: it is done.
func (w *Waiting) Resumed(c *Session) { w.notHeld(c, &w.x.totals.HoldReleased) }

// notHeld ends the wait of the request in front, and counts in *how what became of it.
func (w *Waiting) notHeld(c *Session, how *uint64) {
	if c.WaitsSince != 0 {
		c.WaitsSince = 0
		*how++
	}
}

// release lets a session run, or leave.
func (w *Waiting) release(c *Session) {
	c.Reason = wait.Running
	w.waiting.Release(&c.Place)
}

// Weigh keeps the books of what held sessions have sent and is not begun.
func (w *Waiting) Weigh(c *Session) {
	bytes := c.Input.Len()
	if c.Multi != nil {
		bytes += len(c.Multi.Body)
	}
	w.waiting.Weigh(&c.Place, bytes)
}

// holdsFull says that no more may wait for a server.
func (w *Waiting) holdsFull() bool {
	return w.x.conf.HoldSessionsMax > 0 && w.waiting.Sessions >= w.x.conf.HoldSessionsMax ||
		w.x.conf.HoldBytesMax > 0 && w.waiting.Bytes >= w.x.conf.HoldBytesMax
}

// Held is the number of sessions that wait for a server.
func (x *Exchange) Held() int { return x.waiting.Sessions }

// WakeFull lets the sessions that wait for a full connection try again.
func (s *Service) WakeFull() {
	s.x.WakeAll(s.full.Take())
}

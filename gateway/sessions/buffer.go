package sessions

import (
	"time"

	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/topology"
)

// While no server can take the requests of a shard, the shard is buffered: the sessions that have one for it are
// blocked, for the window of their Hold at most. News of connections wakes them; each decides again. A buffer ends when
// the shard has a usable connection to its primary, under whichever view.

// BlockIn blocks a session until its shard has a server that can take the request at the front. It returns the reason
// for the client where the session is not blocked: the request has waited for its window, or another one has in this
// buffer; its hold is off; or too many wait.
func (w *Waiting) BlockIn(c *Session, shard int, why upstream.Obstacle) (refused string) {
	h := c.Service.hold(shard)
	window := c.Window()
	reason := wait.NoConnection
	switch why {
	case upstream.SoonConn:
		window = c.Patience() // a moment's wait, whatever the hold is
	case upstream.NoPrimary:
		reason = wait.NoPrimary
		fallthrough
	default:
		if h.Begin(w.x.clock.Now) {
			w.x.totals.Holds++
			c.Service.counts.Holds++
			w.x.clock.At(w.x.clock.Now) // for those who look at Buffers
		}
	}
	since := c.WaitsSince
	if since == 0 {
		since = max(w.x.clock.Now, 1)
	}
	switch {
	case window == 0:
		if c.terms.Hold.Mode == session.HoldDryRun {
			w.x.totals.WouldHaveHeld++
		}
		refused = w.sinceWhen(c, shard, why)
		w.notHeld(c, Expired) // the hold was another one when the wait began
		return refused
	case why != upstream.SoonConn && h.Expired(window) || w.x.clock.Now-since >= window:
		refused = w.sinceWhen(c, shard, why)
		if c.WaitsSince == 0 {
			w.x.totals.HoldRefused++
			c.Service.counts.HoldRefused++
		}
		w.notHeld(c, Expired)
		return refused
	case c.WaitsSince == 0 && w.holdsFull():
		w.x.totals.HoldOverfull++
		c.Service.counts.HoldOverfull++
		return w.sinceWhen(c, shard, why) + ", and the limit of waiting clients or of their input is reached"
	}
	if c.HalfClosed && why != upstream.SoonConn {
		w.x.Close(c, session.ClientLeft)
		return ""
	}
	w.waitsFrom(c)
	w.Block(c, reason)
	h.Add(c.Ref, since, window)
	w.x.clock.At(since + window)
	return ""
}

// sinceWhen describes for the client which shard it waits for, why, and for how long that has been so.
func (w *Waiting) sinceWhen(c *Session, shard int, why upstream.Obstacle) string {
	since := w.x.clock.Now
	if h := c.Service.hold(shard); h.Buffering() {
		since = h.Since()
	}
	if c.WaitsSince > 0 {
		since = min(since, c.WaitsSince)
	}
	text, fence := " has had no usable connection to its primary for ", ""
	switch why {
	case upstream.NoPrimary:
		text = " has had no primary for "
		if fence = c.Service.View.Fence(shard); fence != "" {
			text, fence = " has been fenced for ", ": "+fence
		}
	case upstream.NoReplica:
		text = " has had no usable connection to a replica for "
	}
	return c.Service.ShardName(shard) + text + (w.x.clock.Now - since).Round(time.Millisecond).String() + fence
}

// hold returns the buffer of a shard; requests without a shard share the last one.
func (s *Service) hold(shard int) *wait.Buffer {
	if shard < 0 || shard >= len(s.holds)-1 {
		return &s.holds[len(s.holds)-1]
	}
	return &s.holds[shard]
}

// WakeHeld wakes all sessions that wait for a shard of the service.
func (s *Service) WakeHeld() {
	for i := range s.holds {
		s.x.WakeAll(s.holds[i].Wake(nil))
	}
}

// Usable handles the news that a connection of the service can be used: all that wait decide again, and the buffers of
// shards that take writes end.
func (s *Service) Usable() {
	s.x.clock.At(s.x.clock.Now) // for those who look at Buffers
	for i := range s.holds {
		switch h := &s.holds[i]; {
		case !h.Buffering():
			s.x.WakeAll(h.End(nil))
		case s.TakesWrites(i):
			s.x.totals.HoldsEnded++
			s.x.WakeAll(h.End(nil))
		default:
			s.x.WakeAll(h.Wake(nil))
		}
	}
}

// ExpireHeld wakes the sessions whose window is over: their requests are answered with an error when they run.
func (s *Service) ExpireHeld() {
	for i := range s.holds {
		h := &s.holds[i]
		s.x.WakeAll(h.Expire(s.x.clock.Now, nil))
		if at, ok := h.Next(); ok {
			s.x.clock.At(at)
		}
	}
}

// MoveHolds gives the buffers their places under a new view; old is the one before. A shard that still has no primary,
// or the same one, stays buffered; for any other the requests are worth another try.
func (s *Service) MoveHolds(old *topology.View) {
	before := map[string]wait.Buffer{}
	for i := range s.holds {
		h := &s.holds[i]
		s.x.WakeAll(h.Wake(nil))
		if !h.Buffering() {
			continue
		}
		s.x.totals.HoldsEnded++
		if old != nil && i < len(old.Shards) && s.View != nil && !newPrimary(&old.Shards[i], s.View) {
			before[old.Shards[i].Name] = *h
		}
	}
	shards := 0
	if s.View != nil {
		shards = len(s.View.Shards)
	}
	s.holds = make([]wait.Buffer, shards+1)
	for i := range shards {
		name := s.View.Shards[i].Name
		if h, ok := before[name]; ok {
			s.holds[i] = h
			s.x.totals.HoldsEnded--
			delete(before, name)
		}
	}
}

// newPrimary reports whether a view has another primary for a shard, or not even a shard of its name.
func newPrimary(before *topology.Shard, v *topology.View) bool {
	for i := range v.Shards {
		if sh := &v.Shards[i]; sh.Name == before.Name {
			return sh.Primary != nil && (before.Primary == nil || before.Primary.ID != sh.Primary.ID)
		}
	}
	return true
}

package exchange

import (
	"time"

	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/topology"
)

// HoldMode says what becomes of a request that no server can take now.
type HoldMode uint8

const (
	// HoldAuto has it wait for as long as a failover usually takes: the servers' own limit and 10 s more, between 10 s and
	// a minute.
	HoldAuto HoldMode = iota
	// HoldFor has it wait for Hold.Window.
	HoldFor
	// HoldOff refuses it at once.
	HoldOff
	// HoldDryRun refuses it at once, and counts what would have waited.
	HoldDryRun
)

// Hold is how long the requests of a service, or of one of its listeners, wait for a server that can take them.
type Hold struct {
	Mode HoldMode
	// Window of HoldFor; it must be positive.
	Window time.Duration
}

const (
	// autoMin, autoMax and autoMore make the window of HoldAuto out of topology.View.DownAfter.
	autoMin  = 10 * time.Second
	autoMax  = 60 * time.Second
	autoMore = 10 * time.Second
)

// autoWindow is the window of HoldAuto.
func (s *Service) autoWindow() time.Duration {
	window := autoMore
	if s.View != nil {
		window += s.View.DownAfter
	}
	return min(max(window, autoMin), autoMax)
}

// window is how long a request of this client may wait for its shard; 0 for not at all.
func (c *Session) window() time.Duration {
	switch c.hold.Mode {
	case HoldFor:
		return c.hold.Window
	case HoldAuto:
		return c.Service.autoWindow()
	}
	return 0
}

// Patience is how long this client may wait for what passes by itself, whether requests are held or not.
func (c *Session) Patience() time.Duration {
	if window := c.window(); window > 0 {
		return window
	}
	return c.Service.autoWindow()
}

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

// blockIn makes a session wait until its shard has a server that can take the request in front. It returns the reason
// for the client where that is no use: the request has waited for its window, or another has in this hold; nothing is
// held; too many wait.
func (w *Waiting) blockIn(c *Session, shard int, why upstream.Obstacle) (refused string) {
	h := c.Service.hold(shard)
	window := c.window()
	reason := wait.NoConnection
	switch why {
	case upstream.SoonConn:
		window = c.Patience() // that is no hold
	case upstream.NoPrimary:
		reason = wait.NoPrimary
		fallthrough
	default:
		if h.Begin(w.x.clock.Now) {
			w.x.totals.Holds++
		}
	}
	since := c.WaitsSince
	if since == 0 {
		since = max(w.x.clock.Now, 1)
	}
	switch {
	case window == 0:
		if c.hold.Mode == HoldDryRun {
			w.x.totals.WouldHaveHeld++
		}
		return w.sinceWhen(c, shard, why)
	case why != upstream.SoonConn && h.Expired(window) || w.x.clock.Now-since >= window:
		refused = w.sinceWhen(c, shard, why)
		if c.WaitsSince == 0 {
			w.x.totals.HoldRefused++
		}
		w.notHeld(c, &w.x.totals.HoldExpired)
		return refused
	case c.WaitsSince == 0 && w.holdsFull():
		w.x.totals.HoldOverfull++
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

// waitsFrom begins the wait of the request in front, unless it has begun.
func (w *Waiting) waitsFrom(c *Session) {
	if c.WaitsSince == 0 {
		c.WaitsSince = max(w.x.clock.Now, 1)
		w.x.totals.Held++
	}
	w.waiting.Count(&c.Place)
	w.Weigh(c)
}

// notHeld ends the wait of the request in front, and counts in *how what became of it.
func (w *Waiting) notHeld(c *Session, how *uint64) {
	if c.WaitsSince != 0 {
		c.WaitsSince = 0
		*how++
	}
}

// Resumed ends the wait of the request in front: it is done.
func (w *Waiting) Resumed(c *Session) { w.notHeld(c, &w.x.totals.HoldReleased) }

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

// release lets a session run, or leave.
func (w *Waiting) release(c *Session) {
	c.Reason = wait.Running
	w.waiting.Release(&c.Place)
}

// holdsFull says that no more may wait for a server.
func (w *Waiting) holdsFull() bool {
	return w.x.conf.HoldSessionsMax > 0 && w.waiting.Sessions >= w.x.conf.HoldSessionsMax ||
		w.x.conf.HoldBytesMax > 0 && w.waiting.Bytes >= w.x.conf.HoldBytesMax
}

// sinceWhen says for the client which shard it waits for, why, and for how long that has been so.
func (w *Waiting) sinceWhen(c *Session, shard int, why upstream.Obstacle) string {
	since := w.x.clock.Now
	if h := c.Service.hold(shard); h.Buffering() {
		since = h.Since()
	}
	if c.WaitsSince > 0 {
		since = min(since, c.WaitsSince)
	}
	text := " has had no usable connection to its primary for "
	switch why {
	case upstream.NoPrimary:
		text = " has had no primary for "
	case upstream.NoReplica:
		text = " has had no usable connection to a replica for "
	}
	return c.Service.ShardName(shard) + text + (w.x.clock.Now - since).Round(time.Millisecond).String()
}

// WakeFull lets the sessions that wait for a full connection try again.
func (s *Service) WakeFull() {
	s.x.WakeAll(s.full.Take())
}

// WakeHeld lets all sessions that wait for a shard of a service try again.
func (s *Service) WakeHeld() {
	for i := range s.holds {
		s.x.WakeAll(s.holds[i].Wake(nil))
	}
}

// Usable takes in news of a service's connections: everybody who waits decides again, and the holds of shards that can
// be used are over.
func (s *Service) Usable() {
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

// MoveHolds gives the holds their places under a new view. A shard that has no primary still, or the same one, goes on
// being held; elsewhere there is new hope.
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

// newPrimary says that a view has no shard of this name any more, or with another primary.
func newPrimary(before *topology.Shard, v *topology.View) bool {
	for i := range v.Shards {
		if sh := &v.Shards[i]; sh.Name == before.Name {
			return sh.Primary != nil && (before.Primary == nil || before.Primary.ID != sh.Primary.ID)
		}
	}
	return true
}

// ExpireHeld wakes the sessions whose window has run out: their requests are refused when they run.
func (s *Service) ExpireHeld() {
	for i := range s.holds {
		h := &s.holds[i]
		s.x.WakeAll(h.Expire(s.x.clock.Now, nil))
		if at, ok := h.Next(); ok {
			s.x.clock.At(at)
		}
	}
}

func (w *Waiting) WakeAll(waiters []session.Ref) {
	for _, who := range waiters {
		if c := w.x.Session(who); c != nil && c.Reason != wait.Running {
			w.x.Wake(c)
		}
	}
}

// hold returns the hold of a shard; those without a shard wait together at the end.
func (s *Service) hold(shard int) *wait.Buffer {
	if shard < 0 || shard >= len(s.holds)-1 {
		return &s.holds[len(s.holds)-1]
	}
	return &s.holds[shard]
}

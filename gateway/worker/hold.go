package worker

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
func (s *service) autoWindow() time.Duration {
	window := autoMore
	if s.View != nil {
		window += s.View.DownAfter
	}
	return min(max(window, autoMin), autoMax)
}

// window is how long a request of this client may wait for its shard; 0 for not at all.
func (c *client) window() time.Duration {
	switch c.hold.Mode {
	case HoldFor:
		return c.hold.Window
	case HoldAuto:
		return c.svc.autoWindow()
	}
	return 0
}

// patience is how long this client may wait for what passes by itself, whether requests are held or not.
func (c *client) patience() time.Duration {
	if window := c.window(); window > 0 {
		return window
	}
	return c.svc.autoWindow()
}

// park makes a session wait for something of its own: its flight, its lane, its replies. It is woken where that
// changes.
func (w *Worker) park(c *client, why wait.Reason) {
	c.Reason = why
	w.stats.ParkedFor[why]++
	if why == wait.ConnectionFull {
		w.clock.At(w.clock.Now + upstream.FullRetry)
		c.svc.full.Add(c.ref)
	}
}

// parkIn makes a session wait until its shard has a server that can take the request in front. It returns the reason
// for the client where that is no use: the request has waited for its window, or another has in this hold; nothing is
// held; too many wait.
func (w *Worker) parkIn(c *client, shard int, why upstream.Obstacle) (refused string) {
	h := c.svc.hold(shard)
	window := c.window()
	reason := wait.NoConnection
	switch why {
	case upstream.SoonConn:
		window = c.patience() // that is no hold
	case upstream.NoPrimary:
		reason = wait.NoPrimary
		fallthrough
	default:
		if h.Begin(w.clock.Now) {
			w.stats.Holds++
		}
	}
	since := c.WaitsSince
	if since == 0 {
		since = max(w.clock.Now, 1)
	}
	switch {
	case window == 0:
		if c.hold.Mode == HoldDryRun {
			w.stats.WouldHaveHeld++
		}
		return w.sinceWhen(c, shard, why)
	case why != upstream.SoonConn && h.Expired(window) || w.clock.Now-since >= window:
		refused = w.sinceWhen(c, shard, why)
		if c.WaitsSince == 0 {
			w.stats.HoldRefused++
		}
		w.notHeld(c, &w.stats.HoldExpired)
		return refused
	case c.WaitsSince == 0 && w.holdsFull():
		w.stats.HoldOverfull++
		return w.sinceWhen(c, shard, why) + ", and the limit of waiting clients or of their input is reached"
	}
	if c.HalfClosed && why != upstream.SoonConn {
		w.close(c, session.ClientLeft)
		return ""
	}
	w.waitsFrom(c)
	w.park(c, reason)
	h.Add(c.ref, since, window)
	w.clock.At(since + window)
	return ""
}

// waitsFrom begins the wait of the request in front, unless it has begun.
func (w *Worker) waitsFrom(c *client) {
	if c.WaitsSince == 0 {
		c.WaitsSince = max(w.clock.Now, 1)
		w.stats.Held++
	}
	w.waiting.Count(&c.Place)
	w.weigh(c)
}

// notHeld ends the wait of the request in front, and counts in *how what became of it.
func (w *Worker) notHeld(c *client, how *uint64) {
	if c.WaitsSince != 0 {
		c.WaitsSince = 0
		*how++
	}
}

// weigh keeps the books of what held sessions have sent and is not begun.
func (w *Worker) weigh(c *client) {
	bytes := c.Input.Len()
	if c.Multi != nil {
		bytes += len(c.Multi.Body)
	}
	w.waiting.Weigh(&c.Place, bytes)
}

// unpark lets a session run, or leave.
func (w *Worker) unpark(c *client) {
	c.Reason = wait.Running
	w.waiting.Release(&c.Place)
}

// holdsFull says that no more may wait for a server.
func (w *Worker) holdsFull() bool {
	return w.conf.HoldSessionsMax > 0 && w.waiting.Sessions >= w.conf.HoldSessionsMax ||
		w.conf.HoldBytesMax > 0 && w.waiting.Bytes >= w.conf.HoldBytesMax
}

// sinceWhen says for the client which shard it waits for, why, and for how long that has been so.
func (w *Worker) sinceWhen(c *client, shard int, why upstream.Obstacle) string {
	since := w.clock.Now
	if h := c.svc.hold(shard); h.Buffering() {
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
	return c.svc.ShardName(shard) + text + (w.clock.Now - since).Round(time.Millisecond).String()
}

// wakeFull lets the sessions that wait for a full lane try again.
func (w *Worker) wakeFull(s *service) {
	w.wakeAll(s.full.Take())
}

// wakeHeld lets all sessions that wait for a shard of a service try again.
func (w *Worker) wakeHeld(s *service) {
	for i := range s.holds {
		w.wakeAll(s.holds[i].Wake(nil))
	}
}

// releaseHeld takes in news of a service's lanes: everybody who waits decides again, and the holds of shards that can
// be used are over.
func (w *Worker) releaseHeld(s *service) {
	for i := range s.holds {
		switch h := &s.holds[i]; {
		case !h.Buffering():
			w.wakeAll(h.End(nil))
		case s.TakesWrites(i):
			w.stats.HoldsEnded++
			w.wakeAll(h.End(nil))
		default:
			w.wakeAll(h.Wake(nil))
		}
	}
}

// moveHolds gives the holds their places under a new view. A shard that has no primary still, or the same one, goes on
// being held; elsewhere there is new hope.
func (w *Worker) moveHolds(s *service, old *topology.View) {
	before := map[string]wait.Buffer{}
	for i := range s.holds {
		h := &s.holds[i]
		w.wakeAll(h.Wake(nil))
		if !h.Buffering() {
			continue
		}
		w.stats.HoldsEnded++
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
			w.stats.HoldsEnded--
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

// expireHeld wakes the sessions whose window has run out: their requests are refused when they run.
func (w *Worker) expireHeld(s *service) {
	for i := range s.holds {
		h := &s.holds[i]
		w.wakeAll(h.Expire(w.clock.Now, nil))
		if at, ok := h.Next(); ok {
			w.clock.At(at)
		}
	}
}

func (w *Worker) wakeAll(waiters []session.Ref) {
	for _, who := range waiters {
		if c := w.client(who); c != nil && c.Reason != wait.Running {
			w.wake(c)
		}
	}
}

package worker

import (
	"slices"
	"time"

	"evergate/gateway/backend"
	"evergate/gateway/session"
	"evergate/topology"
)

// What a server remembers of a connection (WATCH), and what keeps it busy (BLPOP), may not enter a lane that others
// share. Such a session is pinned: it has a lane to the shard's primary for itself, for as long as it needs it. What it
// sends to that server meanwhile goes there, so that its order is kept. Afterwards the lane is given to the next who
// needs one. A client that leaves in the middle takes its lane with it: the server must forget what it was asked.

const (
	// privateKept bounds the private lanes to one server that are open and belong to nobody.
	privateKept = 32
	// privateRetry is how long a session waits before it asks for a private lane again that could not be had.
	privateRetry = 100 * time.Millisecond
)

// private finds a lane to the primary of a shard for this session alone, and pins the session to it.
func (w *Worker) private(c *client, shard int) (*backend.Lane, obstacle) {
	return w.privateAt(c, shard, false)
}

// privateAt is private; urgent to one that is busy, too, for what makes it stop.
func (w *Worker) privateAt(c *client, shard int, urgent bool) (*backend.Lane, obstacle) {
	switch {
	case c.svc.view == nil:
		return nil, noView
	case urgent && (shard < 0 || c.svc.view.Shards[shard].Primary == nil):
		return nil, held
	}
	if c.pin != nil && !w.pinFits(c, shard) {
		w.unpin(c)
	}
	switch {
	case c.pin != nil && c.pin.State == backend.Dialing:
		return nil, soonPrivate
	case c.pin != nil:
		return c.pin, free
	case w.now < c.pinAt:
		return nil, noPrivate
	}
	// Where the shared lane takes nothing, a private one would fare no better, and it is known when that is over.
	if l, why := w.pick(c, shard, false); l == nil && !urgent {
		return nil, why
	}
	set := w.privateSet(c.svc, c.svc.view.Shards[shard].Primary, c.Proto)
	if n := len(set.idle); n > 0 {
		l := set.idle[n-1]
		set.idle = set.idle[:n-1]
		w.pinTo(c, l)
		return l, free
	}
	if w.conf.PrivateMax > 0 && len(set.lanes) >= w.conf.PrivateMax {
		c.pinAt = w.now + privateRetry
		return nil, noPrivate
	}
	l := w.newLane(set)
	l.Queue.Small, l.Urgent = true, urgent
	w.dial(l)
	w.pinTo(c, l)
	return nil, soonPrivate
}

// privateSet returns the private lanes to a node. None is dialled before somebody needs it.
func (w *Worker) privateSet(s *service, n *topology.Node, proto uint8) *laneSet {
	key := privateKey(s, n, proto)
	set := w.sets[key]
	if set == nil {
		set = &laneSet{key: key}
		w.sets[key] = set
	}
	set.addr, set.runID, set.seen = n.Addr, n.RunID, s.view.Epoch
	return set
}

func privateKey(s *service, n *topology.Node, proto uint8) backend.LaneKey {
	return backend.LaneKey{Service: s.index, Node: int32(n.ID), Purpose: backend.Private, Proto: proto}
}

func (w *Worker) pinTo(c *client, l *backend.Lane) {
	l.Owner, l.Owned = backend.Owner{Session: c.ref.ID, Generation: c.ref.Generation}, true
	c.pin = l
}

// pinFits says that the lane of a pinned session is of use for a shard: it is, or will be, a connection to its primary.
func (w *Worker) pinFits(c *client, shard int) bool {
	l := c.pin
	if shard < 0 || shard >= len(c.svc.view.Shards) || l.Key.Proto != c.Proto {
		return false
	}
	p := c.svc.view.Shards[shard].Primary
	return p != nil && int32(p.ID) == l.Key.Node && (l.State == backend.Dialing || l.Usable(w.now))
}

// unpin takes the lane from a session. It goes to the next one if the server remembers nothing of this one.
func (w *Worker) unpin(c *client) {
	l := c.pin
	c.pin = nil
	watched := c.Watch != nil
	if watched {
		c.Watch.Broken = true
	}
	l.Owned = false
	set := w.sets[l.Key]
	if !watched && !l.Urgent && l.Usable(w.now) && l.Inflight.Len() == 0 && len(set.idle) < privateKept {
		l.UsedAt = w.now
		set.idle = append(set.idle, l)
		w.at(w.now + idleLane)
		return
	}
	w.closePrivate(l)
}

// unpinUnused takes its lane from a session that does not need it any more, or never came to use it.
func (w *Worker) unpinUnused(c *client) {
	if l := c.pin; l != nil && c.Watch == nil && l.Inflight.Len() == 0 && !c.closed {
		w.unpin(c)
	}
}

// pinAnswered says that nothing is in flight any more on a private lane.
func (w *Worker) pinAnswered(l *backend.Lane) {
	if !l.Owned {
		return
	}
	if c := w.client(l.Owner.Session, l.Owner.Generation); c != nil && c.pin == l {
		w.unpinUnused(c)
	} else {
		w.closePrivate(l)
	}
}

// closePrivate ends a lane whose session has left it. What is in flight there is for nobody; the next connection to the
// server makes sure that it does not run later.
func (w *Worker) closePrivate(l *backend.Lane) {
	s := w.services[l.Key.Service]
	if l.State == backend.Open {
		w.fence(s, l, l.Lost(s.view != nil && s.view.Sharded))
	}
	w.removeLane(l, backend.Unpinned)
}

// pinLost says that a private lane is gone.
func (w *Worker) pinLost(l *backend.Lane, failed bool) {
	set := w.sets[l.Key]
	set.idle = slices.DeleteFunc(set.idle, func(other *backend.Lane) bool { return other == l })
	if !l.Owned {
		return
	}
	l.Owned = false
	c := w.client(l.Owner.Session, l.Owner.Generation)
	if c == nil || c.pin != l {
		return
	}
	c.pin = nil
	if c.Watch != nil {
		c.Watch.Broken = true
	}
	if failed {
		c.pinAt = w.now + privateRetry
	}
	if c.Parked == session.NoPrivateLane {
		w.wake(c)
	}
}

// pinOpened says that the lane which a session waits for is there.
func (w *Worker) pinOpened(l *backend.Lane) {
	switch c := w.client(l.Owner.Session, l.Owner.Generation); {
	case c == nil || c.pin != l:
		w.closePrivate(l)
	case c.Parked == session.NoPrivateLane:
		w.wake(c)
	}
}

// parkPrivate makes a session wait for a lane of its own. It returns the reason for the client when it has done so for
// as long as it may.
func (w *Worker) parkPrivate(c *client, shard int, why obstacle) (refused string) {
	patience := c.patience()
	since := c.WaitsSince
	if since == 0 {
		since = max(w.now, 1)
	}
	if w.now-since >= patience {
		w.notHeld(c, &w.stats.HoldExpired)
		waited := (w.now - since).Round(time.Millisecond)
		return c.svc.shardName(shard) + " has had no connection to spare for " + waited.String()
	}
	w.waitsFrom(c)
	w.park(c, session.NoPrivateLane)
	at := since + patience
	if why == noPrivate {
		at = min(at, max(c.pinAt, w.now+time.Millisecond))
	}
	w.runAt(c, at)
	return ""
}

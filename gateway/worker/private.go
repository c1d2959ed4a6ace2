package worker

import (
	"time"

	"evergate/gateway/retry"
	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/topology"
)

// What a server remembers of a connection (WATCH), and what keeps it busy (BLPOP), may not enter a lane that others
// share. Such a session is pinned: it has a lane to the shard's primary for itself, for as long as it needs it. What it
// sends to that server meanwhile goes there, so that its order is kept. Afterwards the lane is given to the next who
// needs one. A client that leaves in the middle takes its lane with it: the server must forget what it was asked.

// ghost is a connection that the gateway has lost and whose server may not know it yet: what blocks on it there would
// take an element for nobody. The next connection of the same session ends it first.
type ghost struct {
	node   topology.NodeID
	runID  string
	client int64
}

// private finds a lane to the primary of a shard for this session alone, and pins the session to it.
func (w *Worker) private(c *client, shard int) (*upstream.Conn, upstream.Obstacle) {
	return w.privateAt(c, shard, false)
}

// privateAt is private; urgent to one that is busy, too, for what makes it stop.
func (w *Worker) privateAt(c *client, shard int, urgent bool) (*upstream.Conn, upstream.Obstacle) {
	switch {
	case c.svc.View == nil:
		return nil, upstream.NoView
	case urgent && (shard < 0 || c.svc.View.Shards[shard].Primary == nil):
		return nil, upstream.NoPrimary
	}
	n := c.svc.View.Primary(shard)
	if c.pin != nil && (w.pinIsTo(c, n) || urgent && c.pin.Bypass && w.pinLeadsTo(c, n)) {
		return w.pinned(c)
	}
	if c.pin != nil {
		w.unpin(c)
	}
	// Where the shared lane takes nothing, a private one would fare no better, and it is known when that is over.
	if l, why := c.svc.Pick(c.setup(), shard, false, upstream.Anybody); l == nil && !urgent {
		return nil, why
	}
	return w.privateTo(c, n, urgent)
}

// privateForRetry is private for a request that a redirection may have sent to another node.
func (w *Worker) privateForRetry(c *client, a *retry.Entry, shard int) (*upstream.Conn, upstream.Obstacle) {
	if a.Target < 0 || c.svc.View == nil {
		return w.private(c, shard)
	}
	n := c.svc.View.Node(a.Target)
	if n == nil || c.svc.View.Demoted(n.ID) != nil {
		a.Target, a.Ask = -1, false
		return w.private(c, shard)
	}
	if c.pin != nil && w.pinIsTo(c, n) {
		return w.pinned(c)
	}
	if c.pin != nil {
		w.unpin(c)
	}
	switch l, soon := c.svc.Set(n, upstream.Primary, c.setup()).Usable(); {
	case soon:
		return nil, upstream.SoonConn
	case l == nil:
		return nil, upstream.NoConn
	}
	return w.privateTo(c, n, false)
}

func (w *Worker) pinned(c *client) (*upstream.Conn, upstream.Obstacle) {
	if c.pin.State == upstream.Dialing {
		return nil, upstream.SoonDedicated
	}
	return c.pin, upstream.Free
}

// privateTo pins a session to a lane to this node; see privateAt for urgent.
func (w *Worker) privateTo(c *client, n *topology.Node, urgent bool) (*upstream.Conn, upstream.Obstacle) {
	set := c.svc.DedicatedSet(n, c.setup())
	haunted := !urgent && c.ghost != nil && c.ghost.node == n.ID && c.ghost.runID == set.RunID && set.RunID != ""
	if !haunted {
		if l := set.TakeIdle(urgent); l != nil {
			w.pinTo(c, l)
			return l, upstream.Free
		}
	}
	if w.clock.Now < c.pinAt || !c.svc.MayDialDedicated(n, set) {
		c.own().pinAt = max(c.pinAt, w.clock.Now+upstream.DedicatedRetry)
		return nil, upstream.NoDedicated
	}
	var kill []int64
	if haunted {
		kill = []int64{c.ghost.client}
	}
	w.pinTo(c, set.DialDedicated(urgent, kill...))
	return nil, upstream.SoonDedicated
}

func (w *Worker) pinTo(c *client, l *upstream.Conn) {
	l.Owner, l.Owned = c.ref, true
	c.own().pin = l
}

// pinFits says that the lane of a pinned session is of use for a shard: it is, or will be, a connection to its primary.
func (w *Worker) pinFits(c *client, shard int) bool { return w.pinIsTo(c, c.svc.View.Primary(shard)) }

func (w *Worker) pinIsTo(c *client, n *topology.Node) bool {
	return !c.pin.Bypass && w.pinLeadsTo(c, n)
}

// pinLeadsTo is pinIsTo for an urgent lane, too, on which only what is urgent may go: it is in database 0, and nobody
// has looked which server it met.
func (w *Worker) pinLeadsTo(c *client, n *topology.Node) bool {
	l := c.pin
	return n != nil && n.ID == l.Key.Node && l.Now == c.setup() &&
		(l.State == upstream.Dialing || l.Usable(w.clock.Now))
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
	if !watched && w.pool.KeepIdle(l) {
		return
	}
	w.pool.EndDedicated(l)
}

// unpinUnused takes its lane from a session that does not need it any more, or never came to use it.
func (w *Worker) unpinUnused(c *client) {
	if l := c.pin; l != nil && !l.Tunnel && (c.Watch == nil || c.Watch.Broken) && l.Inflight.Len() == 0 && !c.closed {
		w.unpin(c)
	}
}

// pinAnswered says that nothing is in flight any more on a private lane.
func (w *Worker) pinAnswered(l *upstream.Conn) {
	if !l.Owned {
		return
	}
	if c := w.client(l.Owner); c != nil && c.pin == l {
		w.unpinUnused(c)
	} else {
		w.pool.EndDedicated(l)
	}
}

// pinLost says that a session has lost its private lane; failed: it could not be opened.
func (w *Worker) pinLost(l *upstream.Conn, failed bool) {
	c := w.client(l.Owner)
	if c == nil || c.pin != l {
		return
	}
	c.pin = nil
	if l.Tunnel {
		w.end(c, session.TunnelEnded)
	}
	if c.Watch != nil {
		c.Watch.Broken = true
	}
	if failed {
		c.own().pinAt = w.clock.Now + upstream.DedicatedRetry
	}
	if c.Reason == wait.NoDedicatedConnection {
		w.wake(c)
	}
}

// pinOpened says that the lane which a session waits for is there.
func (w *Worker) pinOpened(l *upstream.Conn) {
	switch c := w.client(l.Owner); {
	case c == nil || c.pin != l:
		w.pool.EndDedicated(l)
	default:
		if !l.Bypass { // such a one ends no other
			c.ghost = nil
		}
		if c.Reason == wait.NoDedicatedConnection {
			w.wake(c)
		}
	}
}

// parkPrivate makes a session wait for a lane of its own. It returns the reason for the client when it has done so for
// as long as it may.
func (w *Worker) parkPrivate(c *client, shard int, why upstream.Obstacle) (refused string) {
	patience := c.patience()
	since := c.WaitsSince
	if since == 0 {
		since = max(w.clock.Now, 1)
	}
	if w.clock.Now-since >= patience {
		w.notHeld(c, &w.stats.HoldExpired)
		waited := (w.clock.Now - since).Round(time.Millisecond)
		return c.svc.ShardName(shard) + " had no dedicated connection available for " + waited.String()
	}
	w.waitsFrom(c)
	w.park(c, wait.NoDedicatedConnection)
	at := since + patience
	if why == upstream.NoDedicated {
		at = min(at, max(c.pinAt, w.clock.Now+time.Millisecond))
	}
	w.clock.Alarm(c.ref, &c.Place, at)
	return ""
}

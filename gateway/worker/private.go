package worker

import (
	"slices"
	"time"

	"evergate/gateway/backend"
	"evergate/gateway/retry"
	"evergate/gateway/session"
	"evergate/gateway/wait"
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

// ghost is a connection that the gateway has lost and whose server may not know it yet: what blocks on it there would
// take an element for nobody. The next connection of the same session ends it first.
type ghost struct {
	node   topology.NodeID
	runID  string
	client int64
}

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
	n := c.svc.view.Primary(shard)
	if c.pin != nil && (w.pinIsTo(c, n) || urgent && c.pin.Urgent && w.pinLeadsTo(c, n)) {
		return w.pinned(c)
	}
	if c.pin != nil {
		w.unpin(c)
	}
	// Where the shared lane takes nothing, a private one would fare no better, and it is known when that is over.
	if l, why := w.pick(c, shard, false, backend.Anybody); l == nil && !urgent {
		return nil, why
	}
	return w.privateTo(c, n, urgent)
}

// privateForRetry is private for a request that a redirection may have sent to another node.
func (w *Worker) privateForRetry(c *client, a *retry.Entry, shard int) (*backend.Lane, obstacle) {
	if a.Target < 0 || c.svc.view == nil {
		return w.private(c, shard)
	}
	n := c.svc.view.Node(a.Target)
	if n == nil || c.svc.view.Demoted(n.ID) != nil {
		a.Target, a.Ask = -1, false
		return w.private(c, shard)
	}
	if c.pin != nil && w.pinIsTo(c, n) {
		return w.pinned(c)
	}
	if c.pin != nil {
		w.unpin(c)
	}
	switch l, soon := w.usable(w.set(c.svc, n, backend.Primary, c.setup())); {
	case soon:
		return nil, soonLane
	case l == nil:
		return nil, noLane
	}
	return w.privateTo(c, n, false)
}

func (w *Worker) pinned(c *client) (*backend.Lane, obstacle) {
	if c.pin.State == backend.Dialing {
		return nil, soonPrivate
	}
	return c.pin, free
}

// privateTo pins a session to a lane to this node; see privateAt for urgent.
func (w *Worker) privateTo(c *client, n *topology.Node, urgent bool) (*backend.Lane, obstacle) {
	set := w.privateSet(c.svc, n, c.setup())
	haunted := !urgent && c.ghost != nil && c.ghost.node == n.ID && c.ghost.runID == set.runID && set.runID != ""
	if n := len(set.idle); n > 0 && !haunted {
		l := set.idle[n-1]
		set.idle = set.idle[:n-1]
		l.Urgent = urgent // BUSY is an answer there
		w.pinTo(c, l)
		return l, free
	}
	if w.clock.Now < c.pinAt || !w.mayDialPrivate(c.svc, n, set) {
		c.own().pinAt = max(c.pinAt, w.clock.Now+privateRetry)
		return nil, noPrivate
	}
	var kill []int64
	if haunted {
		kill = []int64{c.ghost.client}
	}
	l := w.newLane(set)
	l.Queue.Small, l.Urgent = true, urgent
	w.dial(l, kill...)
	w.pinTo(c, l)
	if set.failing {
		set.trial = l
	}
	return nil, soonPrivate
}

// mayDialPrivate says that one more private lane to a node may be opened. Where the last one could not be, they are
// tried one at a time.
func (w *Worker) mayDialPrivate(s *service, n *topology.Node, set *laneSet) bool {
	if set.failing && (w.clock.Now < set.afreshAt || set.trial != nil && set.trial.State == backend.Dialing) {
		return false
	}
	if w.conf.PrivateMax == 0 {
		return true
	}
	open := 0
	var spare *backend.Lane
	for i := range s.routes {
		other := w.sets[privateKey(s, n, s.routes[i].setup)]
		if other == nil {
			continue
		}
		open += len(other.lanes)
		if len(other.idle) > 0 {
			spare = other.idle[0]
		}
	}
	if open >= w.conf.PrivateMax && spare != nil { // it is set up otherwise
		w.removeLane(spare, backend.Unpinned)
		open--
	}
	return open < w.conf.PrivateMax
}

// privateSet returns the private lanes to a node. None is dialled before somebody needs it.
func (w *Worker) privateSet(s *service, n *topology.Node, setup backend.Setup) *laneSet {
	key := privateKey(s, n, setup)
	set := w.sets[key]
	if set == nil {
		set = &laneSet{key: key}
		w.sets[key] = set
	}
	set.addr, set.runID, set.seen = n.Addr, n.RunID, s.view.Epoch
	return set
}

func privateKey(s *service, n *topology.Node, setup backend.Setup) backend.LaneKey {
	return backend.LaneKey{Service: s.index, Node: n.ID, Purpose: backend.Private, Setup: setup}
}

func (w *Worker) pinTo(c *client, l *backend.Lane) {
	l.Owner, l.Owned = c.ref, true
	c.own().pin = l
}

// pinFits says that the lane of a pinned session is of use for a shard: it is, or will be, a connection to its primary.
func (w *Worker) pinFits(c *client, shard int) bool { return w.pinIsTo(c, c.svc.view.Primary(shard)) }

func (w *Worker) pinIsTo(c *client, n *topology.Node) bool {
	return !c.pin.Urgent && w.pinLeadsTo(c, n)
}

// pinLeadsTo is pinIsTo for an urgent lane, too, on which only what is urgent may go: it is in database 0, and nobody
// has looked which server it met.
func (w *Worker) pinLeadsTo(c *client, n *topology.Node) bool {
	l := c.pin
	return n != nil && n.ID == l.Key.Node && l.Now == c.setup() &&
		(l.State == backend.Dialing || l.Usable(w.clock.Now))
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
	if !watched && !l.Urgent && !l.Once && l.Usable(w.clock.Now) && l.Inflight.Len() == 0 && len(set.idle) < privateKept {
		l.UsedAt = w.clock.Now
		set.idle = append(set.idle, l)
		w.clock.At(w.clock.Now + idleLane)
		return
	}
	w.closePrivate(l)
}

// unpinUnused takes its lane from a session that does not need it any more, or never came to use it.
func (w *Worker) unpinUnused(c *client) {
	if l := c.pin; l != nil && !l.Tunnel && (c.Watch == nil || c.Watch.Broken) && l.Inflight.Len() == 0 && !c.closed {
		w.unpin(c)
	}
}

// pinAnswered says that nothing is in flight any more on a private lane.
func (w *Worker) pinAnswered(l *backend.Lane) {
	if !l.Owned {
		return
	}
	if c := w.client(l.Owner); c != nil && c.pin == l {
		w.unpinUnused(c)
	} else {
		w.closePrivate(l)
	}
}

// closePrivate ends a lane whose session has left it, at the end of the round: it may be the one that is being read, or
// lost. What is in flight there is for nobody.
func (w *Worker) closePrivate(l *backend.Lane) { w.parting = append(w.parting, l) }

// part closes the lanes that nobody can use any more.
func (w *Worker) part() {
	for _, l := range w.parting {
		w.removeLane(l, backend.Unpinned)
	}
	w.parting = w.parting[:0]
}

// pinLost says that a private lane is gone.
func (w *Worker) pinLost(l *backend.Lane, failed bool) {
	set := w.sets[l.Key]
	set.idle = slices.DeleteFunc(set.idle, func(other *backend.Lane) bool { return other == l })
	if !l.Owned {
		return
	}
	l.Owned = false
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
		set.failing, set.afreshAt = true, w.clock.Now+privateRetry
		c.own().pinAt = w.clock.Now + privateRetry
	}
	if c.Reason == wait.NoDedicatedConnection {
		w.wake(c)
	}
}

// pinOpened says that the lane which a session waits for is there.
func (w *Worker) pinOpened(l *backend.Lane) {
	w.sets[l.Key].failing = false
	switch c := w.client(l.Owner); {
	case c == nil || c.pin != l:
		w.closePrivate(l)
	default:
		if !l.Urgent { // such a one ends no other
			c.ghost = nil
		}
		if c.Reason == wait.NoDedicatedConnection {
			w.wake(c)
		}
	}
}

// parkPrivate makes a session wait for a lane of its own. It returns the reason for the client when it has done so for
// as long as it may.
func (w *Worker) parkPrivate(c *client, shard int, why obstacle) (refused string) {
	patience := c.patience()
	since := c.WaitsSince
	if since == 0 {
		since = max(w.clock.Now, 1)
	}
	if w.clock.Now-since >= patience {
		w.notHeld(c, &w.stats.HoldExpired)
		waited := (w.clock.Now - since).Round(time.Millisecond)
		return c.svc.shardName(shard) + " had no dedicated connection available for " + waited.String()
	}
	w.waitsFrom(c)
	w.park(c, wait.NoDedicatedConnection)
	at := since + patience
	if why == noPrivate {
		at = min(at, max(c.pinAt, w.clock.Now+time.Millisecond))
	}
	w.clock.Alarm(c.ref, &c.Place, at)
	return ""
}

package worker

import (
	"bytes"

	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
)

// WATCH is what a server remembers of a connection: it pins the session, see private.go. A watch that has lived through
// the loss of its connection is broken, and EXEC answers nil.

// watch sends WATCH on a lane of the session's own.
func (w *Worker) watch(c *client, d *routing.Decision, frame []byte) bool {
	if c.Multi != nil {
		c.Multi.Nested = true
		w.answer(c, watchInside)
		return true
	}
	if c.Watch != nil && d.Slot != c.Watch.Slot {
		w.answer(c, crossSlot)
		return true
	}
	fits := c.pin != nil && c.svc.View != nil && w.pinFits(c, d.Shard)
	if f := c.flightOf(d.Shard); len(c.flights) > 0 && (!fits || f == nil || f.lane != c.pin) {
		w.park(c, wait.InFlight)
		return false
	}
	if c.Watch != nil && !c.Watch.Broken && !fits { // another connection would know nothing of what was watched
		w.unpin(c)
	}
	if c.Watch != nil && c.Watch.Broken { // nothing can mend it: EXEC answers nil
		w.answer(c, resp.OK)
		return true
	}
	l, why := w.private(c, d.Shard)
	if l == nil {
		return w.mayNot(c, d.Shard, why)
	}
	c.Watch = &session.Watch{Slot: d.Slot}
	w.send(c, l, &request{
		seq: c.Replies.Reserve(), part: -1, slot: int16(d.Slot), shard: d.Shard, read: true, watched: true, frame: frame,
	})
	return true
}

// unwatch forgets what is watched. The server forgets it with the connection, or is told on it.
func (w *Worker) unwatch(c *client) {
	c.Watch = nil
	l := c.pin
	switch {
	case l == nil, l.Retiring: // a retiring lane ends by itself, when what was sent has been answered
		return
	case l.State != upstream.Open:
		w.unpin(c)
		return
	}
	quietly(l, unwatchFrame)
	w.pool.Dirty(l)
}

// watchedIn says that what a session watches lies in this shard.
func (w *Worker) watchedIn(c *client, shard int) bool {
	return c.Watch.Slot < 0 || w.shardOfSlot(c, c.Watch.Slot) == shard
}

// watchLost answers a WATCH, or a transaction that depends on one, which was certainly not executed and cannot be done
// on another connection.
func (w *Worker) watchLost(c *client, t *upstream.Pending, frame []byte) {
	if c.Watch != nil {
		c.Watch.Broken = true
	}
	reply := resp.OK
	if bytes.HasPrefix(frame, multiHead) {
		reply = null(c.Proto)
	}
	w.settle(c, t, reply)
}

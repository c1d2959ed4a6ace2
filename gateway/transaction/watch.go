package transaction

import (
	"evergate/gateway/exchange"
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
)

// WATCH is what a server remembers of a connection: it pins the session, see private.go. A watch that has lived through
// the loss of its connection is broken, and EXEC answers nil.

// watch sends WATCH on a connection of the session's own.
func (tx *Transactions) watch(c *exchange.Session, d *routing.Decision, frame []byte) bool {
	if c.Multi != nil {
		c.Multi.Nested = true
		tx.x.Answer(c, watchInside)
		return true
	}
	if c.Watch != nil && d.Slot != c.Watch.Slot {
		tx.x.Answer(c, crossSlot)
		return true
	}
	fits := c.Dedicated() != nil && c.Service.View != nil && tx.x.DedicatedFits(c, d.Shard)
	if c.InFlight() && (!fits || c.InFlightOn(d.Shard) != c.Dedicated()) {
		tx.x.Block(c, wait.InFlight)
		return false
	}
	if c.Watch != nil && !c.Watch.Broken && !fits { // another connection would know nothing of what was watched
		tx.x.Release(c)
	}
	if c.Watch != nil && c.Watch.Broken { // nothing can mend it: EXEC answers nil
		tx.x.Answer(c, resp.OK)
		return true
	}
	l, why := tx.x.Dedicate(c, d.Shard)
	if l == nil {
		return tx.x.Unavailable(c, d.Shard, why)
	}
	c.Watch = &session.Watch{Slot: d.Slot}
	tx.x.Send(c, l, &exchange.Request{
		Seq: c.Replies.Reserve(), Part: -1, Slot: int16(d.Slot), Shard: d.Shard, Read: true, Watched: true, Frame: frame,
	})
	return true
}

// Unwatch forgets what is watched. The server forgets it with the connection, or is told on it.
func (tx *Transactions) Unwatch(c *exchange.Session) {
	c.Watch = nil
	l := c.Dedicated()
	switch {
	case l == nil, l.Retiring: // a retiring connection ends by itself, when what was sent has been answered
		return
	case l.State != upstream.Open:
		tx.x.Release(c)
		return
	}
	exchange.Quietly(l, unwatchFrame)
	tx.pool.Dirty(l)
}

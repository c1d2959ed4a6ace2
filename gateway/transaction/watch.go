package transaction

import (
	"evergate/gateway/exchange"
	"evergate/gateway/resp"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
)

// WATCH makes a server remember keys for a connection, so the session gets a dedicated one, see exchange.Dedications.
// When that is lost the WATCH is broken, and EXEC replies nil.

// watch sends WATCH on the dedicated connection of the session. It returns false when the session was blocked.
func (tx *Transactions) watch(c *sessions.Session, d *routing.Decision, frame []byte) bool {
	if c.Multi != nil {
		c.Multi.Nest()
		tx.x.Answer(c, watchInside)
		return true
	}
	if c.Watch.Is() && d.Slot != c.Watch.Slot() {
		tx.x.Answer(c, crossSlot)
		return true
	}
	fits := c.Dedicated() != nil && c.Service.View != nil && tx.x.DedicatedFits(c, d.Shard)
	if c.InFlight() && (!fits || c.InFlightOn(d.Shard) != c.Dedicated()) {
		tx.x.Block(c, wait.InFlight)
		return false
	}
	if c.Watch.Intact() && !fits { // another connection would know nothing of what was watched
		tx.x.Release(c)
	}
	if c.Watch.Broken() { // and stays so: EXEC replies nil
		tx.x.Answer(c, resp.OK)
		return true
	}
	l, why := tx.x.Dedicate(c, d.Shard)
	if l == nil {
		return tx.x.Unavailable(c, d.Shard, why)
	}
	c.Watch.Begin(d.Slot)
	tx.x.Send(c, l, &exchange.Request{
		Seq: c.Replies.Reserve(), Part: -1, Slot: int16(d.Slot), Shard: d.Shard, Read: true, Watched: true, Frame: frame,
	})
	return true
}

// Unwatch ends the WATCH of a session: with its connection, or by UNWATCH on it.
func (tx *Transactions) Unwatch(c *sessions.Session) {
	c.Watch.End()
	l := c.Dedicated()
	switch {
	case l == nil, l.Retiring: // a retiring connection ends by itself, when what was sent has been answered
		return
	case l.State != upstream.Open:
		tx.x.Release(c)
		return
	}
	l.SendQuietly(unwatchFrame, 0)
	tx.pool.Dirty(l)
}

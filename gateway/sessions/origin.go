package sessions

import (
	"slices"

	"evergate/gateway/upstream"
	"evergate/topology"
)

// A client's WAIT is about all that it has written. A write that a failover may have lost is on no replica, whatever
// the servers of now reply. So a session remembers which servers have executed its writes, one for each shard: where
// one of them is no primary any more the reply is that nobody has them. A write that the shard's new primary has
// executed takes the place of those before, as on a connection that was opened after the failover. Otherwise that is
// reported until the next write only, or a client that has long ceased to write to a shard would never get another
// reply.

// origin is one run of a server, and in a cluster a slot of its shard.
type origin struct {
	runID string
	node  topology.NodeID
	slot  int16
	known bool
}

// is reports whether a connection leads there.
func (o *origin) is(l *upstream.Conn) bool {
	return o.node == l.Key.Node && o.runID == l.RunID && o.known
}

// WroteTo records that the server of a connection has executed a write of the session, to a slot or to none (-1).
func (c *Session) WroteTo(l *upstream.Conn, slot int16) {
	if c.reportedGone {
		c.forgetGone()
	}
	if c.wrote.is(l) || slices.ContainsFunc(c.wroteElsewhere, func(o origin) bool { return o.is(l) }) {
		return
	}
	now := origin{l.RunID, l.Key.Node, slot, true}
	view := c.Service.View
	if !view.IsSharded() {
		c.wrote = now
		return
	}
	if shard := view.ShardOf(now.node); slot < 0 && shard >= 0 {
		now.slot = view.FirstSlots()[shard]
	}
	replaced := func(o origin) bool {
		if o.node == now.node || o.slot < 0 {
			return o.node == now.node
		}
		shard := view.Shard(int(o.slot))
		return shard != nil && shard.Primary != nil && shard.Primary.ID == now.node
	}
	if len(c.wroteElsewhere) > 0 {
		own := c.own()
		own.wroteElsewhere = slices.DeleteFunc(own.wroteElsewhere, replaced)
	}
	if c.wrote.known && !replaced(c.wrote) {
		own := c.own()
		own.wroteElsewhere = append(own.wroteElsewhere, c.wrote)
	}
	c.wrote = now
}

// forgetGone forgets the servers of which WriterGone has said that they are gone.
func (c *Session) forgetGone() {
	own := c.own()
	own.reportedGone = false
	own.wroteElsewhere = slices.DeleteFunc(own.wroteElsewhere, func(o origin) bool { return o.gone(c) })
	if c.wrote.gone(c) {
		c.wrote = origin{}
	}
}

// gone reports whether the server is no primary any more, or has restarted. While a shard has no primary that is not
// known.
func (o origin) gone(c *Session) bool {
	if !o.known || c.Service.View == nil {
		return false
	}
	unknown := false
	for i := range c.Service.View.Shards {
		switch p := c.Service.View.Shards[i].Primary; {
		case p == nil:
			unknown = true
		case p.ID == o.node:
			return p.RunID != "" && o.runID != "" && p.RunID != o.runID
		}
	}
	return !unknown
}

// WriterGone reports whether a server that has executed the last write of the session to its shard is no primary any
// more, or has restarted. After the next write that is forgotten.
func (c *Session) WriterGone() bool {
	gone := c.wrote.gone(c) || slices.ContainsFunc(c.wroteElsewhere, func(o origin) bool { return o.gone(c) })
	if gone {
		c.own().reportedGone = true
	}
	return gone
}

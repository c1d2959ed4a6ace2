package worker

import (
	"evergate/gateway/exchange"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
)

// What may harm and is let through by a setting goes to one server, once, on a connection that nobody else gets
// afterwards: it may keep the server busy, or change what it thinks of the connection. The connection has the client's
// name, so that the server's own lists and its slow log tell who did it. It is never put again, since by then another
// server may be meant.

// allowed sends a harmful command that is let through. It returns false when the session was parked.
func (w *Worker) allowed(c *exchange.Session, command *routing.Command, args [][]byte, frame []byte) bool {
	d := routing.DecideAllowed(routing.Request{Command: command, Args: args}, c.Service.View)
	if d.Kind == routing.Refuse {
		w.refuse(c, d.Reason, command, args)
		return true
	}
	if c.InFlight() || command.Has(routing.Replication) && c.Replies.Owed() > 0 {
		w.Block(c, wait.InFlight)
		return false
	}
	l, why := w.DedicateAt(c, d.Shard, c.Service.InScript(d.Shard) != "")
	if l == nil {
		return w.Unavailable(c, d.Shard, why)
	}
	if command.Has(routing.Replication) {
		return w.tunnel(c, l, frame)
	}
	w.Alone(c, l)
	w.Send(c, l, &exchange.Request{
		Seq: c.Replies.Reserve(), Part: -1, Slot: int16(d.Slot), Shard: d.Shard, Frame: frame, Foreign: true,
	})
	return true
}

// execLane finds the lane for a transaction. One with a harmful command in it gets a connection of its own, too.
func (w *Worker) execLane(c *exchange.Session, shard int) (*upstream.Conn, upstream.Obstacle) {
	switch {
	case !c.Multi.Alone:
		return w.Choose(c, shard, slotOfMulti(c), false, c.Company(len(c.Multi.Body), 0))
	case c.InFlight():
		return nil, upstream.InFlight
	}
	l, why := w.Dedicate(c, shard)
	if l != nil {
		w.Alone(c, l)
	}
	return l, why
}

package dedicated

import (
	"evergate/gateway/exchange"
	"evergate/gateway/wait"
	"evergate/routing"
)

// What may harm and is let through by a setting goes to one server, once, on a connection that nobody else gets
// afterwards: it may keep the server busy, or change what it thinks of the connection. The connection has the client's
// name, so that the server's own lists and its slow log tell who did it. It is never put again, since by then another
// server may be meant.

// DoHarmful sends a harmful command that is let through. It returns false when the session was parked.
func (k *Dedicated) DoHarmful(c *exchange.Session, command *routing.Command, args [][]byte, frame []byte) bool {
	d := routing.DecideAllowed(routing.Request{Command: command, Args: args}, c.Service.View)
	if d.Kind == routing.Refuse {
		k.conf.Others.Refuse(c, d.Reason, command, args)
		return true
	}
	if c.InFlight() || command.Has(routing.Replication) && c.Replies.Owed() > 0 {
		k.x.Block(c, wait.InFlight)
		return false
	}
	l, why := k.x.DedicateAt(c, d.Shard, c.Service.InScript(d.Shard) != "")
	if l == nil {
		return k.x.Unavailable(c, d.Shard, why)
	}
	if command.Has(routing.Replication) {
		return k.tunnel(c, l, frame)
	}
	k.x.Alone(c, l)
	k.x.Send(c, l, &exchange.Request{
		Seq: c.Replies.Reserve(), Part: -1, Slot: int16(d.Slot), Shard: d.Shard, Frame: frame, Foreign: true,
	})
	return true
}

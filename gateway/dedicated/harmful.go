package dedicated

import (
	"evergate/gateway/exchange"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
)

// A dangerous command that a setting permits goes to one server, once, on a connection that no other session gets
// afterwards: it may keep the server busy, or change the state of the connection. The connection has the client's name,
// so that the server's CLIENT LIST and slow log show it. The command is never retried: it may be meant for no other
// server.

// DoHarmful sends a dangerous command that a setting permits, or answers it. It returns false when the session was
// blocked.
func (k *Dedicated) DoHarmful(c *sessions.Session, command *routing.Command, args [][]byte, frame []byte) bool {
	d := routing.DecideAllowed(routing.Request{Command: command, Args: args}, c.Service.View)
	if d.Kind == routing.Refuse {
		k.conf.Others.Refuse(c, d.Reason, command, args)
		return true
	}
	if c.InFlight() || command.Has(routing.Replication) && c.Replies.Owed() > 0 {
		k.x.Block(c, wait.InFlight)
		return false
	}
	changes := command.ReplicaRefuses()
	if changes && !k.x.MayConfirm(c, d.Shard) {
		return k.x.Unavailable(c, d.Shard, upstream.LacksReplicas)
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
		Seq: c.Replies.Reserve(), Part: -1, Slot: int16(d.Slot), Shard: d.Shard, Changes: changes, Frame: frame,
		Foreign: true,
	})
	return true
}

package dedicated

import (
	"evergate/gateway/exchange"
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
)

// SYNC, PSYNC and REPLCONF make a connection that of a replica: what comes back is no reply any more, but a snapshot,
// and then commands without end. Where a setting lets them through, the client and the connection that it has to itself
// become a tunnel: what the server sends passes unread, until one side closes. So `redis-cli --rdb` takes a backup. The
// client says what replicas say and nothing else: a server would do everything else for it, too.

// tunnel begins one. All that came before has been answered to the client. It returns false when the connection owes
// something else yet: then another one is taken.
func (k *Dedicated) tunnel(c *exchange.Session, l *upstream.Conn, frame []byte) bool {
	if l.Inflight.Len() > 0 {
		k.x.Release(c)
		k.x.Block(c, wait.InFlight)
		k.x.Wake(c)
		return false
	}
	l.Once, l.Tunnel = true, true
	k.intoTunnel(c, frame)
	return true
}

// TakeInTunnel passes on what a replica says. Whoever says something else is closed: the answer to it would come in the
// middle of the stream.
func (k *Dedicated) TakeInTunnel(c *exchange.Session, command *routing.Command, args [][]byte) bool {
	if command == nil || !command.Has(routing.Replication) && command.ID != routing.CmdPing {
		k.x.Close(c, session.ProtocolError)
		return true
	}
	k.intoTunnel(c, resp.AppendCommand(nil, args...))
	return true
}

// intoTunnel takes a command of the client's.
func (k *Dedicated) intoTunnel(c *exchange.Session, b []byte) {
	l := c.Dedicated()
	l.Queue.Append(b)
	k.pool.Dirty(l)
	if l.Queue.Held() > k.conf.QueryBytesMax {
		k.x.Close(c, session.QueryLimit)
	}
}

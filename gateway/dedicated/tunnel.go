package dedicated

import (
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
)

// SYNC, PSYNC and REPLCONF make a connection that of a replica: the server replies with a snapshot, and then commands
// without end. Where a setting permits them, the client and its dedicated connection become a tunnel: the bytes of the
// server are passed on unparsed, until one side closes. So `redis-cli --rdb` makes a backup. The client may send only
// what replicas send, since the server would execute everything else as well.

// tunnel begins one. All earlier requests of the client must be answered. It returns false when the connection still
// owes a reply: the session is blocked, and gets another connection.
func (k *Dedicated) tunnel(c *sessions.Session, l *upstream.Conn, frame []byte) bool {
	if l.Inflight.Len() > 0 {
		k.x.Release(c)
		k.x.Block(c, wait.InFlight)
		k.x.Wake(c)
		return false
	}
	l.BeginTunnel()
	k.intoTunnel(c, frame)
	return true
}

// TakeInTunnel passes on a command of a client in a tunnel. A client that sends anything but a replica's commands is
// closed: the reply would come in the middle of the stream. It returns true.
func (k *Dedicated) TakeInTunnel(c *sessions.Session, command *routing.Command, args [][]byte) bool {
	if command == nil || !command.Has(routing.Replication) && command.ID != routing.CmdPing {
		k.x.Close(c, session.ProtocolError)
		return true
	}
	k.intoTunnel(c, resp.AppendCommand(nil, args...))
	return true
}

// intoTunnel passes bytes on to the server. It copies them.
func (k *Dedicated) intoTunnel(c *sessions.Session, b []byte) {
	l := c.Dedicated()
	l.Queue.Append(b)
	k.pool.Dirty(l)
	if l.Queue.Held() > k.x.Bounds().QueryBytesMax {
		k.x.Close(c, session.QueryLimit)
	}
}

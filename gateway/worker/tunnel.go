package worker

import (
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
func (w *Worker) tunnel(c *client, l *upstream.Conn, frame []byte) bool {
	if l.Inflight.Len() > 0 {
		w.unpin(c)
		w.park(c, wait.InFlight)
		w.wake(c)
		return false
	}
	l.Once, l.Tunnel = true, true
	w.intoTunnel(c, frame)
	return true
}

func (c *client) inTunnel() bool { return c.pin != nil && c.pin.Tunnel }

// saidInTunnel passes on what a replica says. Whoever says something else is closed: the answer to it would come in the
// middle of the stream.
func (w *Worker) saidInTunnel(c *client, command *routing.Command, args [][]byte) bool {
	if command == nil || !command.Has(routing.Replication) && command.ID != routing.CmdPing {
		w.close(c, session.ProtocolError)
		return true
	}
	w.intoTunnel(c, resp.AppendCommand(nil, args...))
	return true
}

// intoTunnel takes a command of the client's.
func (w *Worker) intoTunnel(c *client, b []byte) {
	l := c.pin
	l.Queue.Append(b)
	w.pool.Dirty(l)
	if l.Queue.Held() > w.conf.QueryBytesMax {
		w.close(c, session.QueryLimit)
	}
}

// outOfTunnel hands on what the server sent. It is not read further while the client lags.
func (w *Worker) outOfTunnel(l *upstream.Conn, b []byte) {
	c := w.client(l.Owner)
	if c == nil || c.pin != l {
		return // it is being closed
	}
	c.Output.Append(w.blocks, b)
	w.dirtyClient(c)
	if c.Output.Len() > streamHigh {
		w.pool.Read(l, false)
	}
}

// tunnelDrained goes on reading when the client has taken most of it.
func (w *Worker) tunnelDrained(c *client) {
	if c.inTunnel() && c.pin.Paused && c.Output.Len() < streamLow {
		w.pool.Read(c.pin, true)
	}
}

package exchange

import "evergate/gateway/upstream"

// Relay hands on what the server sent. It is not read further while the client lags.
func (x *Exchange) Relay(l *upstream.Conn, b []byte) {
	c := x.Session(l.Owner)
	if c == nil || c.dedicated != l {
		return // it is being closed
	}
	c.Output.Append(x.blocks, b)
	x.write(c)
	if c.Output.Len() > streamHigh {
		x.pool.Read(l, false)
	}
}

// tunnelDrained goes on reading when the client has taken most of it.
func (x *Exchange) tunnelDrained(c *Session) {
	if c.InTunnel() && c.dedicated.Paused && c.Output.Len() < streamLow {
		x.pool.Read(c.dedicated, true)
	}
}

func (c *Session) InTunnel() bool { return c.dedicated != nil && c.dedicated.Tunnel }

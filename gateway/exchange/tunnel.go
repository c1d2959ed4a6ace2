package exchange

import "evergate/gateway/upstream"

// In a tunnel the bytes of a dedicated connection are passed to its client unparsed, see package dedicated.

// Relay passes bytes of a server on to the client of a tunnel. They are copied. The connection is stopped while the
// client lags.
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

// tunnelDrained resumes reading from the server when the client has read most.
func (x *Exchange) tunnelDrained(c *Session) {
	if c.InTunnel() && c.dedicated.Paused && c.Output.Len() < streamLow {
		x.pool.Read(c.dedicated, true)
	}
}

// InTunnel reports whether the session's dedicated connection is a tunnel.
func (c *Session) InTunnel() bool { return c.dedicated != nil && c.dedicated.Tunnel }

package exchange

import (
	"evergate/gateway/upstream"
	"evergate/topology"
)

// origin is a run of a server.
type origin struct {
	runID string
	node  topology.NodeID
	known bool
}

// WroteTo notes that the server of a connection has done a write of the client's.
func (c *Session) WroteTo(l *upstream.Conn) {
	c.wrote.runID, c.wrote.node, c.wrote.known = l.RunID, l.Key.Node, true
}

// gone says that the server that wrote is a primary no longer, or has started anew. While a shard has none nobody
// knows.
func (o origin) gone(c *Session) bool {
	if !o.known || c.Service.View == nil {
		return false
	}
	held := false
	for i := range c.Service.View.Shards {
		switch p := c.Service.View.Shards[i].Primary; {
		case p == nil:
			held = true
		case p.ID == o.node:
			return p.RunID != "" && o.runID != "" && p.RunID != o.runID
		}
	}
	return !held
}

// WriterGone reports whether the server that did the session's last write is a primary no longer, or has started anew.
func (c *Session) WriterGone() bool { return c.wrote.gone(c) }

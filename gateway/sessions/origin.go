package sessions

import (
	"evergate/gateway/upstream"
	"evergate/topology"
)

// origin is one run of a server.
type origin struct {
	runID string
	node  topology.NodeID
	known bool
}

// WroteTo records that the server of a connection has executed a write of the session.
func (c *Session) WroteTo(l *upstream.Conn) {
	c.wrote.runID, c.wrote.node, c.wrote.known = l.RunID, l.Key.Node, true
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

// WriterGone reports whether the server of the session's last write is no primary any more, or has restarted.
func (c *Session) WriterGone() bool { return c.wrote.gone(c) }

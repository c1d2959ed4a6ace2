package exchange

import (
	"evergate/gateway/session"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
)

// Where the servers decide what a user may do, its sessions are those of a sub-service with connections of its own
// (upstream.Pool.AddUser). A session moves there when its client has authenticated.

// Move makes a session one of another service with the same servers. Nothing of it may be under way, and it must not
// listen. Keys that it watches were watched on a connection of the old service: EXEC answers nil, as if they had
// changed.
func (x *Exchange) Move(c *sessions.Session, to *sessions.Service) {
	if c.Service == to {
		return
	}
	if c.Dedicated() != nil {
		x.Release(c)
	}
	to.Rehome(c)
	c.Choose(c.Chosen())
}

// Expel answers with an error whatever of a session waits for a server, and closes it when it has got what it is owed:
// the servers do not accept its credentials any more.
func (x *Exchange) Expel(c *sessions.Session, why []byte) {
	if !c.Retrying() && c.AwaitsServer() {
		x.Answer(c, why)
	}
	for c.Retrying() && !c.Closed() {
		a := *c.NextRetry()
		c.DropRetry()
		x.Settle(c, &upstream.Pending{Seq: a.Seq, Part: a.Part}, why)
	}
	x.End(c, session.UserGone)
	x.Wake(c)
}

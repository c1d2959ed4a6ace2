package exchange

import (
	"bytes"
	"time"

	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/topology"
)

// Some of what a server remembers for a connection (WATCH), and what keeps it busy (BLPOP), must not enter a connection
// that others share. A session that needs one of these gets a dedicated connection to the shard's primary, for as long
// as it needs it. Meanwhile all that it sends to that server goes there, so that its order is kept. Afterwards the
// connection is passed on to the next session that needs one, if the server remembers nothing on it. When a client
// leaves while its server is busy for it, the connection is closed: the server must forget the request.

// Dedications gives sessions connections of their own, and takes them back.
type Dedications struct{ x *Exchange }

// Dedicate returns a connection to the primary of a shard that serves this session alone: the one that it has, an idle
// one, or a new one. It returns nil and the obstacle where there is none now.
func (d *Dedications) Dedicate(c *sessions.Session, shard int) (*upstream.Conn, upstream.Obstacle) {
	return d.DedicateAt(c, shard, false)
}

// DedicateAt is Dedicate. bypass: the server may be busy with a script, and the request is to stop that.
func (d *Dedications) DedicateAt(c *sessions.Session, shard int, bypass bool) (*upstream.Conn, upstream.Obstacle) {
	switch {
	case c.Service.View == nil:
		return nil, upstream.NoView
	case bypass && (shard < 0 || c.Service.View.Shards[shard].Primary == nil):
		return nil, upstream.NoPrimary
	}
	n := c.Service.View.Primary(shard)
	if bypass {
		return d.DedicateToBusy(c, n)
	}
	if c.Dedicated() != nil && d.leadsTo(c, n) {
		return d.dedicatedTo(c)
	}
	if c.Dedicated() != nil {
		d.Release(c)
	}
	// Where the shared connection takes no request a dedicated one would not either, and its end wakes the session.
	if l, why := c.Service.Pick(c.Setup(), shard, nil, upstream.Anybody); l == nil {
		return nil, why
	}
	return d.dedicateTo(c, n, false)
}

// DedicateToBusy is Dedicate for a node of any role that may be busy with a script, and a request that is to stop that.
func (d *Dedications) DedicateToBusy(c *sessions.Session, n *topology.Node) (*upstream.Conn, upstream.Obstacle) {
	if c.Dedicated() != nil && d.mayLeadTo(c, n) {
		return d.dedicatedTo(c)
	}
	if c.Dedicated() != nil {
		d.Release(c)
	}
	return d.dedicateTo(c, n, true)
}

// DedicateForRetry is Dedicate for a request to retry, which a redirection may have sent to another node than the
// primary of the shard.
func (d *Dedications) DedicateForRetry(c *sessions.Session, a *retry.Entry, shard int) (*upstream.Conn,
	upstream.Obstacle) {
	if a.Target < 0 || c.Service.View == nil {
		return d.Dedicate(c, shard)
	}
	n := c.Service.View.Node(a.Target)
	if n == nil || c.Service.View.Demoted(n.ID) != nil {
		a.Unredirect()
		return d.Dedicate(c, shard)
	}
	if c.Dedicated() != nil && d.leadsTo(c, n) {
		return d.dedicatedTo(c)
	}
	if c.Dedicated() != nil {
		d.Release(c)
	}
	switch l, soon := c.Service.Set(n, upstream.Primary, c.Setup()).Usable(); {
	case soon:
		return nil, upstream.SoonConn
	case l == nil:
		return nil, upstream.NoConn
	}
	return d.dedicateTo(c, n, false)
}

// dedicatedTo returns the connection that a session has, if it is open.
func (d *Dedications) dedicatedTo(c *sessions.Session) (*upstream.Conn, upstream.Obstacle) {
	if c.Dedicated().State == upstream.Dialing {
		return nil, upstream.SoonDedicated
	}
	return c.Dedicated(), upstream.Free
}

// dedicateTo gives a session a connection to a node; bypass is that of DedicateAt.
func (d *Dedications) dedicateTo(c *sessions.Session, n *topology.Node, bypass bool) (*upstream.Conn,
	upstream.Obstacle) {
	set := c.Service.DedicatedSet(n, c.Setup())
	if l := set.TakeIdle(bypass); l != nil {
		d.own(c, l)
		return l, upstream.Free
	}
	if d.x.clock.Now < c.MayDedicateAt() || !c.Service.MayDialDedicated(n, set) {
		c.DedicateNotBefore(max(c.MayDedicateAt(), d.x.clock.Now+upstream.DedicatedRetry))
		return nil, upstream.NoDedicated
	}
	d.own(c, set.DialDedicated(bypass))
	return nil, upstream.SoonDedicated
}

// own records to which session a connection belongs.
func (d *Dedications) own(c *sessions.Session, l *upstream.Conn) {
	l.Own(c.Ref)
	d.x.SetDedicated(c, l)
}

// Alone makes the connection of a session one that no other session gets afterwards. The connection gets the name of
// the client, so that the server's CLIENT LIST and slow log show it.
func (d *Dedications) Alone(c *sessions.Session, l *upstream.Conn) {
	l.UseOnce()
	if c.Identity != nil && c.Identity.Name != "" {
		l.SendQuietly(resp.AppendCommandStrings(nil, "CLIENT", "SETNAME", c.Identity.Name), upstream.Optional)
	}
}

// DedicatedFits reports whether the connection that the session has leads to the primary of a shard, or will when it is
// open. The session must have one.
func (d *Dedications) DedicatedFits(c *sessions.Session, shard int) bool {
	return d.leadsTo(c, c.Service.View.Primary(shard))
}

// leadsTo reports whether the connection of a session leads to a node, or will.
func (d *Dedications) leadsTo(c *sessions.Session, n *topology.Node) bool {
	return !c.Dedicated().Bypass && d.mayLeadTo(c, n)
}

// mayLeadTo is leadsTo for a bypass connection as well. One of these carries nothing else: it is in database 0, and the
// identity of its server was not verified.
func (d *Dedications) mayLeadTo(c *sessions.Session, n *topology.Node) bool {
	l := c.Dedicated()
	return n != nil && n.ID == l.Key.Node && l.Now == c.Setup() &&
		(l.State == upstream.Dialing || l.Usable(d.x.clock.Now))
}

// DedicatedOpened handles a dedicated connection that was opened: its session may go on.
func (d *Dedications) DedicatedOpened(l *upstream.Conn) {
	switch c := d.x.Session(l.Owner); {
	case c == nil || c.Dedicated() != l:
		d.x.pool.EndDedicated(l)
	case c.Reason == wait.NoDedicatedConnection:
		d.x.Wake(c)
	}
}

// DedicatedLost handles the loss of a dedicated connection; failed: it could not be opened.
func (d *Dedications) DedicatedLost(l *upstream.Conn, failed bool) {
	c := d.x.Session(l.Owner)
	if c == nil || c.Dedicated() != l {
		return
	}
	d.x.SetDedicated(c, nil)
	if l.Tunnel {
		d.x.End(c, session.TunnelEnded)
	}
	c.Watch.Break()
	if failed {
		c.DedicateNotBefore(d.x.clock.Now + upstream.DedicatedRetry)
	}
	if c.Reason == wait.NoDedicatedConnection {
		d.x.Wake(c)
	}
}

// DedicatedRead handles a dedicated connection that was read from: replies free their requests, and when none is in
// flight any more the session may not need it.
func (d *Dedications) DedicatedRead(l *upstream.Conn) {
	if !l.Owned {
		return
	}
	c := d.x.Session(l.Owner)
	switch {
	case c != nil && c.Dedicated() == l:
		d.x.Account(c)
		if !l.Owes() {
			d.ReleaseUnused(c)
		}
	case !l.Owes():
		d.x.pool.EndDedicated(l)
	}
}

// Release takes the connection from a session that has one, and breaks its WATCH. The connection is kept for the next
// session if nothing is in flight and the server remembers nothing on it; else it is closed, and the server forgets
// what it waited for.
func (d *Dedications) Release(c *sessions.Session) {
	l := c.Dedicated()
	c.Watch.Break()
	l.Disown()
	d.x.SetDedicated(c, nil)
	if !c.Watch.Is() && d.x.pool.KeepIdle(l) {
		return
	}
	d.x.pool.EndDedicated(l)
}

// ReleaseUnused takes the connection from a session that does not need it any more, or did not come to use it.
func (d *Dedications) ReleaseUnused(c *sessions.Session) {
	if l := c.Dedicated(); l != nil && !l.Tunnel && !c.Watch.Intact() && !l.Owes() &&
		!c.Closed() {
		d.Release(c)
	}
}

// blockDedicated blocks a session that waits for a connection of its own. It returns the reason for the client when it
// has waited for as long as it may.
func (d *Dedications) blockDedicated(c *sessions.Session, shard int, why upstream.Obstacle) (refused string) {
	waited, over := d.x.BlockFor(c, wait.NoDedicatedConnection)
	if over {
		return c.Service.ShardName(shard) + " had no dedicated connection available for " + waited.String()
	}
	if why == upstream.NoDedicated {
		at := max(c.MayDedicateAt(), d.x.clock.Now+time.Millisecond)
		d.x.clock.Alarm(c.Ref, &c.Place, min(c.WaitsSince+c.Patience(), at))
	}
	return ""
}

// watchedIn reports whether the keys that a session watches are in this shard.
func watchedIn(c *sessions.Session, shard int) bool {
	return c.Watch.Slot() < 0 || c.ShardOfSlot(c.Watch.Slot()) == shard
}

// watchLost answers a WATCH, or a transaction that depends on one, which was certainly not executed and cannot be
// retried on another connection.
func (x *Exchange) watchLost(c *sessions.Session, t *upstream.Pending, frame []byte) {
	c.Watch.Break()
	reply := resp.OK
	if bytes.HasPrefix(frame, resp.Multi) {
		reply = resp.NullArrayIn(c.Proto)
	}
	x.Settle(c, t, reply)
}

package exchange

import (
	"time"

	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/topology"
)

// What a server remembers of a connection (WATCH), and what keeps it busy (BLPOP), may not enter a connection that
// others share. Such a session is pinned: it has a connection to the shard's primary for itself, for as long as it
// needs it. What it sends to that server meanwhile goes there, so that its order is kept. Afterwards the connection
// is given to the next who needs one. A client that leaves in the middle takes its connection with it: the server
// must forget what it was asked.

// leftBehind is a connection that the gateway has lost and whose server may not know it yet: what blocks on it there
// would take an element for nobody. The next connection of the same session ends it first.
type leftBehind struct {
	node   topology.NodeID
	runID  string
	client int64
}

// LeaveBehind remembers a connection on which a server may go on with a blocking command: the next connection of the
// session ends it first.
func (c *Session) LeaveBehind(l *upstream.Conn) {
	if l.Client > 0 {
		c.own().leftBehind = &leftBehind{l.Key.Node, l.RunID, l.Client}
	}
}

// Dedications are the connections that belong to one session each.
type Dedications struct{ x *Exchange }

// Dedicate finds a connection to the primary of a shard for this session alone, and pins the session to it.
func (d *Dedications) Dedicate(c *Session, shard int) (*upstream.Conn, upstream.Obstacle) {
	return d.DedicateAt(c, shard, false)
}

// DedicateAt is private; bypass to one that is busy, too, for what makes it stop.
func (d *Dedications) DedicateAt(c *Session, shard int, bypass bool) (*upstream.Conn, upstream.Obstacle) {
	switch {
	case c.Service.View == nil:
		return nil, upstream.NoView
	case bypass && (shard < 0 || c.Service.View.Shards[shard].Primary == nil):
		return nil, upstream.NoPrimary
	}
	n := c.Service.View.Primary(shard)
	if c.dedicated != nil && (d.leadsTo(c, n) || bypass && c.dedicated.Bypass && d.mayLeadTo(c, n)) {
		return d.dedicatedTo(c)
	}
	if c.dedicated != nil {
		d.Release(c)
	}
	// Where the shared connection takes nothing, a private one would fare no better, and it is known when that is over.
	if l, why := c.Service.Pick(c.Setup(), shard, false, upstream.Anybody); l == nil && !bypass {
		return nil, why
	}
	return d.dedicateTo(c, n, bypass)
}

// DedicateForRetry is private for a request that a redirection may have sent to another node.
func (d *Dedications) DedicateForRetry(c *Session, a *retry.Entry, shard int) (*upstream.Conn, upstream.Obstacle) {
	if a.Target < 0 || c.Service.View == nil {
		return d.Dedicate(c, shard)
	}
	n := c.Service.View.Node(a.Target)
	if n == nil || c.Service.View.Demoted(n.ID) != nil {
		a.Target, a.Ask = -1, false
		return d.Dedicate(c, shard)
	}
	if c.dedicated != nil && d.leadsTo(c, n) {
		return d.dedicatedTo(c)
	}
	if c.dedicated != nil {
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

func (d *Dedications) dedicatedTo(c *Session) (*upstream.Conn, upstream.Obstacle) {
	if c.dedicated.State == upstream.Dialing {
		return nil, upstream.SoonDedicated
	}
	return c.dedicated, upstream.Free
}

// dedicateTo pins a session to a connection to this node; see privateAt for bypass.
func (d *Dedications) dedicateTo(c *Session, n *topology.Node, bypass bool) (*upstream.Conn, upstream.Obstacle) {
	set := c.Service.DedicatedSet(n, c.Setup())
	haunted := !bypass && c.leftBehind != nil && c.leftBehind.node == n.ID && c.leftBehind.runID == set.RunID &&
		set.RunID != ""
	if !haunted {
		if l := set.TakeIdle(bypass); l != nil {
			d.own(c, l)
			return l, upstream.Free
		}
	}
	if d.x.clock.Now < c.dedicateAt || !c.Service.MayDialDedicated(n, set) {
		c.own().dedicateAt = max(c.dedicateAt, d.x.clock.Now+upstream.DedicatedRetry)
		return nil, upstream.NoDedicated
	}
	var kill []int64
	if haunted {
		kill = []int64{c.leftBehind.client}
	}
	d.own(c, set.DialDedicated(bypass, kill...))
	return nil, upstream.SoonDedicated
}

func (d *Dedications) own(c *Session, l *upstream.Conn) {
	l.Owner, l.Owned = c.Ref, true
	c.own().dedicated = l
}

// Alone makes a connection that of the client for once: nobody else gets it afterwards. It has the client's name, so
// that the server's own lists and its slow log tell who used it.
func (d *Dedications) Alone(c *Session, l *upstream.Conn) {
	l.Once = true
	if c.Identity != nil && c.Identity.Name != "" {
		Quietly(l, resp.AppendCommandStrings(nil, "CLIENT", "SETNAME", c.Identity.Name)).Flags |= upstream.Optional
	}
}

// DedicatedFits says that the connection of a pinned session is of use for a shard: it is, or will be, a connection
// to its primary.
func (d *Dedications) DedicatedFits(c *Session, shard int) bool {
	return d.leadsTo(c, c.Service.View.Primary(shard))
}

func (d *Dedications) leadsTo(c *Session, n *topology.Node) bool {
	return !c.dedicated.Bypass && d.mayLeadTo(c, n)
}

// mayLeadTo is pinIsTo for an bypass connection, too, on which only what is bypass may go: it is in database 0, and
// nobody has looked which server it met.
func (d *Dedications) mayLeadTo(c *Session, n *topology.Node) bool {
	l := c.dedicated
	return n != nil && n.ID == l.Key.Node && l.Now == c.Setup() &&
		(l.State == upstream.Dialing || l.Usable(d.x.clock.Now))
}

// DedicatedOpened says that the connection which a session waits for is there.
func (d *Dedications) DedicatedOpened(l *upstream.Conn) {
	switch c := d.x.Session(l.Owner); {
	case c == nil || c.dedicated != l:
		d.x.pool.EndDedicated(l)
	default:
		if !l.Bypass { // such a one ends no other
			c.leftBehind = nil
		}
		if c.Reason == wait.NoDedicatedConnection {
			d.x.Wake(c)
		}
	}
}

// DedicatedLost says that a session has lost its private connection; failed: it could not be opened.
func (d *Dedications) DedicatedLost(l *upstream.Conn, failed bool) {
	c := d.x.Session(l.Owner)
	if c == nil || c.dedicated != l {
		return
	}
	c.dedicated = nil
	if l.Tunnel {
		d.x.End(c, session.TunnelEnded)
	}
	if c.Watch != nil {
		c.Watch.Broken = true
	}
	if failed {
		c.own().dedicateAt = d.x.clock.Now + upstream.DedicatedRetry
	}
	if c.Reason == wait.NoDedicatedConnection {
		d.x.Wake(c)
	}
}

// DedicatedAnswered says that nothing is in flight any more on a private connection.
func (d *Dedications) DedicatedAnswered(l *upstream.Conn) {
	if !l.Owned {
		return
	}
	if c := d.x.Session(l.Owner); c != nil && c.dedicated == l {
		d.ReleaseUnused(c)
	} else {
		d.x.pool.EndDedicated(l)
	}
}

// Release takes the connection from a session. It goes to the next one if the server remembers nothing of this one.
func (d *Dedications) Release(c *Session) {
	l := c.dedicated
	c.dedicated = nil
	watched := c.Watch != nil
	if watched {
		c.Watch.Broken = true
	}
	l.Owned = false
	if !watched && d.x.pool.KeepIdle(l) {
		return
	}
	d.x.pool.EndDedicated(l)
}

// ReleaseUnused takes its connection from a session that does not need it any more, or never came to use it.
func (d *Dedications) ReleaseUnused(c *Session) {
	if l := c.dedicated; l != nil && !l.Tunnel && (c.Watch == nil || c.Watch.Broken) && l.Inflight.Len() == 0 &&
		!c.closed {
		d.Release(c)
	}
}

// blockDedicated makes a session wait for a connection of its own. It returns the reason for the client when it has
// done so for as long as it may.
func (d *Dedications) blockDedicated(c *Session, shard int, why upstream.Obstacle) (refused string) {
	waited, over := d.x.BlockFor(c, wait.NoDedicatedConnection)
	if over {
		return c.Service.ShardName(shard) + " had no dedicated connection available for " + waited.String()
	}
	if why == upstream.NoDedicated {
		d.x.clock.Alarm(c.Ref, &c.Place, min(c.WaitsSince+c.Patience(), max(c.dedicateAt, d.x.clock.Now+time.Millisecond)))
	}
	return ""
}

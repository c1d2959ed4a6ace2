package dedicated

import (
	"evergate/gateway/admin"
	"evergate/gateway/exchange"
	"evergate/gateway/resp"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
)

// CLIENT UNBLOCK concerns a client that waits at a server, on a connection of its own. The server is told, on another
// connection, and answers that client as it answers its own: so nothing that it has just taken for the client is lost.
// Where it cannot be told the connection is closed, and the server forgets.

var unblockedHere = []byte("-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n")

// FindBlocked does this worker's part of CLIENT UNBLOCK.
func (k *Dedicated) FindBlocked(r *admin.Request) (p admin.Partial) {
	c := k.blocked(r)
	if c == nil {
		return p
	}
	if l, t, _ := c.BlocksOn(); l != nil && l.Client > 0 && l.Queue.Sent(t.End) {
		if n := c.Service.View.Node(l.Key.Node); n != nil {
			l.Once = true // the server may be told when somebody else would have the connection
			p.Blocked = &admin.BlockedAt{Addr: n.Addr, Client: l.Client}
			return p
		}
	}
	return admin.Partial{Count: k.Unblock(r)}
}

// Unblock answers a blocked client here, and closes its connection. It returns how many were blocked.
func (k *Dedicated) Unblock(r *admin.Request) int {
	c := k.blocked(r)
	if c == nil {
		return 0
	}
	if c.Retrying() {
		a := *c.NextRetry()
		reply := k.unblockedReply(c, r, a.Frame)
		c.DropRetry()
		k.x.Resumed(c)
		k.x.ReleaseUnused(c)
		k.x.Settle(c, &upstream.Pending{Seq: a.Seq, Part: a.Part}, reply)
		k.x.Wake(c)
		return 1
	}
	if frame := k.willBlock(c); frame != nil {
		reply := k.unblockedReply(c, r, frame)
		k.x.Skip(c, len(frame))
		k.x.Resumed(c)
		k.x.ReleaseUnused(c)
		k.x.Answer(c, reply)
		k.x.Wake(c)
		return 1
	}
	l, waits, from := c.BlocksOn()
	if l == nil {
		return 0
	}
	t := *waits
	reply := k.unblockedReply(c, r, l.Queue.Frame(from, t.End))
	c.LeaveBehind(l)        // the server may hear of it late, and would take an element for nobody
	waits.To.Generation = 0 // what the server still says, until the connection is closed, is for nobody
	k.x.Release(c)
	k.x.Settle(c, &t, reply)
	if !c.Closed() {
		k.x.Landed(c, t.Shard)
	}
	return 1
}

// blocked finds the client that is to be unblocked, when it is blocked.
func (k *Dedicated) blocked(r *admin.Request) *exchange.Session {
	for c := range k.x.All {
		if c.Number == r.ID && r.Concerns(c.Service.Index) && (c.IsBlocked() || k.willBlock(c) != nil) {
			return c
		}
	}
	return nil
}

// willBlock returns the blocking command that a client waits to send until there is a server for it, or nil: to the
// client it blocks already.
func (k *Dedicated) willBlock(c *exchange.Session) (frame []byte) {
	switch c.Reason {
	case wait.NoPrimary, wait.NoConnection, wait.Refused, wait.NoDedicatedConnection:
	default:
		return nil
	}
	if c.Retrying() || c.Multi != nil {
		return nil
	}
	var scan resp.Scanner
	n, args, status := scan.Next(c.Input.Bytes(), nil, k.conf.Limits)
	if status != resp.Frame {
		return nil
	}
	var d routing.Decision
	if c.Service.Catalog.Decide(&d, c.Service.Catalog.Row(args), args, c.Service.View); d.Kind != routing.Dedicate {
		return nil
	}
	return c.Input.Bytes()[:n]
}

// unblockedReply is what a client is told that is unblocked here.
func (k *Dedicated) unblockedReply(c *exchange.Session, r *admin.Request, frame []byte) []byte {
	if r.AsError {
		return unblockedHere
	}
	k.args = resp.Args(frame, k.args[:0])
	if command := routing.Lookup(k.args); command != nil {
		return inTimeNothing(command, c.Proto)
	}
	return resp.NullArrayIn(c.Proto)
}

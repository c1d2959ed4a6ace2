package dedicated

import (
	"evergate/gateway/admin"
	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
)

// CLIENT UNBLOCK concerns a client that is blocked at a server, on a dedicated connection. The server gets CLIENT
// UNBLOCK for that connection, on another one, and replies to the blocked client by itself: so an element that it has
// just taken for the client is not lost. Where the server cannot be reached the dedicated connection is closed, and the
// server forgets the command.

// unblockedHere is the reply of CLIENT UNBLOCK ... ERROR to the blocked client.
var unblockedHere = []byte(retry.UnblockedByClient)

// FindBlocked is one worker's part of CLIENT UNBLOCK. It returns where the client is blocked, or how many it has
// unblocked.
func (k *Dedicated) FindBlocked(r *admin.Request) (p admin.Partial) {
	c := k.blocked(r)
	if c == nil {
		return p
	}
	if l, t, _ := c.BlocksOn(); l != nil && l.Client > 0 && l.Queue.Sent(t.End) {
		if n := c.Service.View.Node(l.Key.Node); n != nil {
			l.UseOnce() // UNBLOCK may reach the server late, and must not hit another session on this connection
			p.Blocked = &admin.BlockedAt{Addr: n.Addr, Client: l.Client}
			return p
		}
	}
	return admin.Partial{Count: k.Unblock(r)}
}

// Unblock answers a blocked client without the server, and closes its dedicated connection. It returns how many clients
// were blocked: 0 or 1.
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
	l.LeaveBehind() // the server may see the close late, and take an element that no client receives
	waits.Abandon() // a reply that comes before the connection is closed is dropped
	k.x.Release(c)
	k.x.Settle(c, &t, reply)
	if !c.Closed() {
		k.x.Landed(c, t.Shard)
	}
	return 1
}

// blocked returns the session of the client to unblock, if it is blocked.
func (k *Dedicated) blocked(r *admin.Request) *sessions.Session {
	for c := range k.x.All {
		if c.Number == r.ID && r.Concerns(c.Service.Of) && (c.AwaitsBlocking() || k.willBlock(c) != nil) {
			return c
		}
	}
	return nil
}

// willBlock returns the frame of the blocking command that a session waits to send until a server is available, or nil.
// Its client takes it for blocked already.
func (k *Dedicated) willBlock(c *sessions.Session) (frame []byte) {
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

// unblockedReply is the reply to a client that is unblocked without a server; frame is its blocking command.
func (k *Dedicated) unblockedReply(c *sessions.Session, r *admin.Request, frame []byte) []byte {
	if r.AsError {
		return unblockedHere
	}
	k.args = resp.Args(frame, k.args[:0])
	if command := routing.Lookup(k.args); command != nil {
		return inTimeNothing(command, c.Proto)
	}
	return resp.NullArrayIn(c.Proto)
}

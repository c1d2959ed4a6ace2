package worker

import (
	"evergate/gateway/admin"
	"evergate/gateway/exchange"
	"evergate/gateway/resp"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
)

// CLIENT UNBLOCK concerns a client that waits at a server, on a lane of its own. The server is told, on another
// connection, and answers that client as it answers its own: so nothing that it has just taken for the client is lost.
// Where it cannot be told the lane is closed, and the server forgets.

var unblockedHere = []byte("-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n")

// blocked finds the client that is to be unblocked, when it is blocked.
func (w *Worker) blocked(r *admin.Request) *exchange.Session {
	for c := range w.All {
		if c.Number == r.ID && r.Concerns(c.Service.Index) && (c.IsBlocked() || w.willBlock(c) != nil) {
			return c
		}
	}
	return nil
}

// willBlock returns the blocking command that a client waits to send until there is a server for it, or nil: to the
// client it blocks already.
func (w *Worker) willBlock(c *exchange.Session) (frame []byte) {
	switch c.Reason {
	case wait.NoPrimary, wait.NoConnection, wait.Refused, wait.NoDedicatedConnection:
	default:
		return nil
	}
	if c.Retrying() || c.Multi != nil {
		return nil
	}
	var scan resp.Scanner
	n, args, status := scan.Next(c.Input.Bytes(), nil, w.limits(c))
	if status != resp.Frame {
		return nil
	}
	var d routing.Decision
	if c.Service.Catalog.Decide(&d, c.Service.Catalog.Row(args), args, c.Service.View); d.Kind != routing.Dedicate {
		return nil
	}
	return c.Input.Bytes()[:n]
}

// unblock does this worker's part of CLIENT UNBLOCK.
func (w *Worker) unblock(r *admin.Request) (p admin.Partial) {
	c := w.blocked(r)
	if c == nil {
		return p
	}
	if l, t, _ := c.BlocksOn(); l != nil && l.Client > 0 && l.Queue.Sent(t.End) {
		if n := c.Service.View.Node(l.Key.Node); n != nil {
			l.Once = true // the server may be told when somebody else would have the lane
			p.Blocked = &admin.BlockedAt{Addr: n.Addr, Client: l.Client}
			return p
		}
	}
	return admin.Partial{Count: w.Unblock(r)}
}

// Unblock answers a blocked client here, and closes its lane. It returns how many were blocked.
func (w *Worker) Unblock(r *admin.Request) int {
	c := w.blocked(r)
	if c == nil {
		return 0
	}
	if c.Retrying() {
		a := *c.NextRetry()
		reply := w.unblockedReply(c, r, a.Frame)
		c.DropRetry()
		w.Resumed(c)
		w.ReleaseUnused(c)
		w.Settle(c, &upstream.Pending{Seq: a.Seq, Part: a.Part}, reply)
		w.Wake(c)
		return 1
	}
	if frame := w.willBlock(c); frame != nil {
		reply := w.unblockedReply(c, r, frame)
		c.Input.Used(w.blocks, len(frame))
		w.Resumed(c)
		w.ReleaseUnused(c)
		w.Answer(c, reply)
		w.Wake(c)
		return 1
	}
	l, waits, from := c.BlocksOn()
	if l == nil {
		return 0
	}
	t := *waits
	reply := w.unblockedReply(c, r, l.Queue.Frame(from, t.End))
	c.LeaveBehind(l)        // the server may hear of it late, and would take an element for nobody
	waits.To.Generation = 0 // what the server still says, until the lane is closed, is for nobody
	w.Release(c)
	w.Settle(c, &t, reply)
	if !c.Closed() {
		w.Landed(c, t.Shard)
	}
	return 1
}

// unblockedReply is what a client is told that is unblocked here.
func (w *Worker) unblockedReply(c *exchange.Session, r *admin.Request, frame []byte) []byte {
	if r.AsError {
		return unblockedHere
	}
	w.args = resp.Args(frame, w.args[:0])
	if command := routing.Lookup(w.args); command != nil {
		return inTimeNothing(command, c.Proto)
	}
	return resp.NullArrayIn(c.Proto)
}

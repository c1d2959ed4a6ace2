package worker

import (
	"evergate/gateway/backend"
	"evergate/gateway/resp"
	"evergate/gateway/wait"
	"evergate/routing"
	"evergate/topology"
)

// CLIENT UNBLOCK concerns a client that waits at a server, on a lane of its own. The server is told, on another
// connection, and answers that client as it answers its own: so nothing that it has just taken for the client is lost.
// Where it cannot be told the lane is closed, and the server forgets.

// BlockedAt is a connection on which a server keeps a client waiting.
type BlockedAt struct {
	Node topology.NodeID
	// Addr of the node, and what it calls the connection (CLIENT ID).
	Addr   string
	Client int64
}

var (
	badUnblock    = []byte("-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR\r\n")
	unblockedHere = []byte("-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n")
)

// unblockErrand reads CLIENT UNBLOCK id [TIMEOUT|ERROR].
func unblockErrand(args [][]byte) (e Errand, wrong []byte) {
	e = Errand{Kind: UnblockClient}
	if len(args) > 4 {
		return e, wrongWords(args)
	}
	if len(args) == 4 {
		e.AsError = resp.IsWord(args[3], "error")
		if !e.AsError && !resp.IsWord(args[3], "timeout") {
			return e, badUnblock
		}
	}
	n, ok := resp.Integer(args[2])
	if !ok {
		return e, resp.NotInteger
	}
	e.Number = n
	return e, nil
}

// wrongWords is Redis's error for a subcommand with too many arguments.
func wrongWords(args [][]byte) []byte {
	return resp.AppendError(nil,
		"ERR unknown subcommand or wrong number of arguments for '"+string(resp.Cut(args[1], 128))+"'. Try CLIENT HELP.")
}

// blocked finds the client that is to be unblocked, when it is blocked.
func (w *Worker) blocked(e *Errand) *client {
	for _, c := range w.clients {
		if c != nil && c.number == e.Number && e.concerns(c) && (w.isBlocked(c) || w.willBlock(c) != nil) {
			return c
		}
	}
	return nil
}

// willBlock returns the blocking command that a client waits to send until there is a server for it, or nil: to the
// client it blocks already.
func (w *Worker) willBlock(c *client) (frame []byte) {
	switch c.Reason {
	case wait.NoPrimary, wait.NoLane, wait.Refused, wait.NoPrivateLane:
	default:
		return nil
	}
	if len(c.again) > 0 || c.Multi != nil {
		return nil
	}
	var scan resp.Scanner
	n, args, status := scan.Next(c.Unread, nil, w.limits(c))
	if status != resp.Frame {
		return nil
	}
	var d routing.Decision
	if c.svc.decide(&d, c.svc.row(args), args); d.Kind != routing.Pin {
		return nil
	}
	return c.Unread[:n]
}

// unblock does a worker's share of CLIENT UNBLOCK.
func (w *Worker) unblock(e *Errand) (s Share) {
	c := w.blocked(e)
	if c == nil {
		return s
	}
	if l, t, _ := blocksOn(c); l != nil && l.Client > 0 && l.Queue.Sent(t.End) {
		if n := c.svc.view.Node(l.Key.Node); n != nil {
			l.Once = true // the server may be told when somebody else would have the lane
			s.Blocked = &BlockedAt{Node: n.ID, Addr: n.Addr, Client: l.Client}
			return s
		}
	}
	return Share{Count: w.Unblock(e)}
}

// Unblock answers a blocked client here, and closes its lane. It returns how many were blocked.
func (w *Worker) Unblock(e *Errand) int {
	c := w.blocked(e)
	if c == nil {
		return 0
	}
	if len(c.again) > 0 {
		a := c.again[0]
		reply := w.unblockedReply(c, e, a.frame)
		c.again, c.againBegun = c.again[1:], false
		w.notHeld(c, &w.stats.HoldReleased)
		w.unpinUnused(c)
		w.settle(c, &backend.Ticket{Seq: a.seq, Part: a.part}, reply)
		w.wake(c)
		return 1
	}
	if frame := w.willBlock(c); frame != nil {
		reply := w.unblockedReply(c, e, frame)
		c.Unread = c.Unread[len(frame):]
		w.notHeld(c, &w.stats.HoldReleased)
		w.unpinUnused(c)
		w.answer(c, reply)
		w.wake(c)
		return 1
	}
	l, waits, from := blocksOn(c)
	if l == nil {
		return 0
	}
	t := *waits
	reply := w.unblockedReply(c, e, l.Queue.Frame(from, t.End))
	if l.Client > 0 { // the server may hear of it late, and would take an element for nobody
		c.own().ghost = &ghost{l.Key.Node, l.RunID, l.Client}
	}
	waits.To.Generation = 0 // what the server still says, until the lane is closed, is for nobody
	w.unpin(c)
	w.settle(c, &t, reply)
	if !c.closed {
		w.landed(c, t.Shard)
	}
	return 1
}

// unblockedReply is what a client is told that is unblocked here.
func (w *Worker) unblockedReply(c *client, e *Errand, frame []byte) []byte {
	if e.AsError {
		return unblockedHere
	}
	w.args = resp.Args(frame, w.args[:0])
	if command := routing.Lookup(w.args); command != nil {
		return inTimeNothing(command, c.Proto)
	}
	return null(c.Proto)
}

// blocksOn finds the lane on which a server keeps a client waiting, and the command's ticket. Its frame begins at from.
func blocksOn(c *client) (l *backend.Lane, t *backend.Ticket, from uint64) {
	if c.pin == nil {
		return nil, nil, 0
	}
	from = c.pin.Queue.AnsweredTo()
	for t := range c.pin.Inflight.All {
		if t.Flags&backend.Blocking != 0 && t.To == c.ref {
			return c.pin, t, from
		}
		from = t.End
	}
	return nil, nil, 0
}

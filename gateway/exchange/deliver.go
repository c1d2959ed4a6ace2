package exchange

import (
	"slices"

	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
)

// Deliver hands a whole reply to its client, now or when its turn comes.
func (x *Exchange) Deliver(c *Session, seq uint32, reply []byte) {
	c.Weigh(len(reply))
	if !c.Replies.AtFront(seq) {
		c.Replies.Keep(seq, reply)
		x.CheckOutput(c)
		return
	}
	x.pass(c, reply)
	x.flush(c)
}

// Settle answers a request, or its part of a split one.
func (x *Exchange) Settle(c *Session, t *upstream.Pending, reply []byte) {
	if t.Part < 0 {
		x.Deliver(c, t.Seq, reply)
	} else if of := c.Composite(t.Seq); of != nil {
		of.Take(c, t.Part, reply)
	}
}

// Answer gives the gateway's own reply to the request that is being read.
func (x *Exchange) Answer(c *Session, reply []byte) {
	x.Deliver(c, c.Replies.Reserve(), reply)
}

// AnswerLocal answers a request here that needed no server.
func (x *Exchange) AnswerLocal(c *Session, reply []byte) {
	x.totals.Local++
	x.Answer(c, reply)
}

// Refuse answers a request with the gateway's own error, before anything was sent.
func (x *Exchange) Refuse(c *Session, reply []byte) {
	x.totals.Refused++
	x.Answer(c, reply)
}

// flush hands over the replies whose turn has come.
func (x *Exchange) flush(c *Session) {
	for {
		reply, ok := c.Replies.Ready()
		if !ok {
			break
		}
		x.pass(c, reply)
	}
	if c.Output.Len() > 0 { // nothing where it was dropped
		x.write(c)
	}
	x.CheckOutput(c)
	if c.Reason == wait.OwedTooMuch && c.owesLittle() {
		x.Wake(c)
	}
}

func (t *Table) write(c *Session) {
	if c.due != dueNow {
		c.due = dueNow
		t.outs.Clients = append(t.outs.Clients, c.Ref.ID)
	}
}

// drained goes on with what waited for a client to read: its own requests, a connection that was stopped for it, its
// end.
func (x *Exchange) drained(c *Session) {
	if c.Output.Len() < streamLow {
		for i := range c.inFlight {
			if l := c.inFlight[i].conn; c.streamsTo(l) {
				x.pool.Read(l, true)
				l.StoppedAt = 0
			}
		}
	}
	x.tunnelDrained(c)
	if c.Reason == wait.OwedTooMuch && c.owesLittle() {
		x.Wake(c)
	}
	x.Finished(c)
}

// CheckOutput holds a client to its output limit, and goes on reading one that has replies to read.
func (x *Exchange) CheckOutput(c *Session) {
	if c.heldBytes() > x.conf.OutputBytesMax {
		x.Close(c, session.OutputLimit)
	} else if c.paused {
		x.Pace(c)
	}
}

// heldBytes is how many bytes of replies and messages are kept for a client.
func (c *Session) heldBytes() int {
	n := c.Output.Len() + c.Replies.KeptBytes() + c.withheld.size() + c.pushes.Len()
	for i := range c.inFlight { // a redirection may have two shards on one connection
		l := c.inFlight[i].conn
		if !slices.ContainsFunc(c.inFlight[:i], func(f inFlight) bool { return f.conn == l }) {
			n += c.assembled(l)
		}
	}
	return n
}

// assembled is how much a connection has of a reply to this client that must be whole before it is handed on.
func (c *Session) assembled(l *upstream.Conn) int {
	if len(l.Reply) == 0 {
		return 0
	}
	if t := l.Inflight.Front(); t == nil || t.To != c.Ref {
		return 0
	}
	return len(l.Reply)
}

// OwedTooMuch says that a client must be given replies, or read them, before its next request is sent.
func (c *Session) OwedTooMuch() bool {
	return c.Conn.OwedTooMuch(c.underWay()) || c.Output.Len() > owedBytes
}

func (c *Session) owesLittle() bool {
	return c.OwedLittle(c.underWay()) && c.Output.Len() <= owedBytes/2
}

// underWay is how many replies may come without anything more being sent: what must be retried has a place among
// them, too, and is not.
func (c *Session) underWay() (n int) {
	if len(c.retries) == 0 {
		return c.Replies.Owed()
	}
	for i := range c.inFlight {
		n += int(c.inFlight[i].owed)
	}
	return n
}

package sessions

import (
	"slices"
	"time"

	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
)

// StreamHigh and streamLow are the unwritten bytes of a client at which a connection that streams to it is stopped, and
// resumed.
const (
	StreamHigh = 512 << 10
	streamLow  = 128 << 10
)

// owedBytes is how many bytes of replies may be unwritten for a client before its next request waits.
const owedBytes = 1 << 20

// Answer answers the request that is being read with a reply of the gateway.
func (x *Sessions) Answer(c *Session, reply []byte) {
	x.Deliver(c, c.Replies.Reserve(), reply)
}

// AnswerLocal is Answer for a request that needed no server, which it counts.
func (x *Sessions) AnswerLocal(c *Session, reply []byte) {
	x.CountLocal(c)
	x.Answer(c, reply)
}

// Refuse is Answer with an error of the gateway for a request of which nothing was sent, which it counts.
func (x *Sessions) Refuse(c *Session, reply []byte) {
	x.CountRefused(c)
	x.Answer(c, reply)
}

// Settle answers a request, or one part of a Composite: t names its place. It may close the session.
func (x *Sessions) Settle(c *Session, t *upstream.Pending, reply []byte) {
	if t.Part < 0 {
		x.Deliver(c, t.Seq, reply)
	} else if of := c.Composite(t.Seq); of != nil {
		of.Take(c, t.Part, reply)
	}
}

// Deliver writes a whole reply to its client, now or when the replies before it are there. It may close the session.
func (x *Sessions) Deliver(c *Session, seq uint32, reply []byte) {
	c.Weigh(len(reply))
	if !c.Replies.AtFront(seq) {
		c.Replies.Keep(seq, reply)
		x.CheckOutput(c)
		return
	}
	x.pass(c, reply)
	x.flush(c)
}

// flush writes the replies whose turn has come.
func (x *Sessions) flush(c *Session) {
	for {
		reply, ok := c.Replies.Ready()
		if !ok {
			break
		}
		x.pass(c, reply)
	}
	if c.Output.Len() > 0 { // none where the replies were dropped
		x.write(c)
	}
	x.CheckOutput(c)
	if c.Reason == wait.OwedTooMuch && c.owesLittle() {
		x.Wake(c)
	}
}

// Stream writes a piece of a reply whose turn it is, before the reply is there whole. It may close the session.
func (x *Sessions) Stream(c *Session, b []byte) {
	if c.Mode.Drops() {
		return
	}
	if c.Output.Len() == 0 {
		c.tookAt = x.clock.Now // it had nothing to read so far
	}
	x.Relay(c, b)
	x.CheckOutput(c)
}

// StreamEnded records that the reply was written whole. It may close the session.
func (x *Sessions) StreamEnded(c *Session) {
	c.Mode.Dropped()
	c.Replies.Pass()
	x.pushKept(c)
	x.flush(c)
}

// TookAt is when the client last read from its output, or when a long reply began to reach it while it had read all
// else.
func (c *Session) TookAt() time.Duration { return c.tookAt }

// StreamsTo reports whether the reply under way on a connection streams to this session.
func (c *Session) StreamsTo(l *upstream.Conn) bool {
	t := l.Inflight.Front()
	return l.Streams && t != nil && t.To == c.Ref
}

// Relay writes bytes to a client that are passed on as they are. They are copied.
func (x *Sessions) Relay(c *Session, b []byte) {
	c.Output.Append(x.blocks, b)
	x.write(c)
}

// MayOverflow reports whether the output limit may close a client before it has read what is under way for it.
func (x *Sessions) MayOverflow(c *Session) bool {
	return c.heldBytes()+c.Expects(c.underWay()) > c.terms.Output.Max/2
}

// FillsUp reports whether half of the replies that may be kept for a client are, and so many that its next request
// waits: what was sent ahead and is retried would only be sent once more.
func (c *Session) FillsUp() bool {
	return c.Output.Len()+c.Replies.KeptBytes() > max(c.terms.Output.Max/2, owedBytes)
}

// write makes the loop write the client's output at the end of the round.
func (t *Table) write(c *Session) {
	if c.due != dueNow {
		c.due = dueNow
		t.outs.Clients = append(t.outs.Clients, c.Ref.ID)
	}
}

// drained resumes what waited for a client to read: its own requests, a connection that was stopped, its close.
func (x *Sessions) drained(c *Session) {
	if c.Output.Len() < streamLow {
		for i := range c.inFlight {
			if l := c.inFlight[i].conn; c.StreamsTo(l) {
				x.pool.Resume(l)
			}
		}
	}
	if c.InTunnel() && c.dedicated.Paused && c.Output.Len() < streamLow {
		x.pool.Read(c.dedicated, true)
	}
	if c.Reason == wait.OwedTooMuch && c.owesLittle() {
		x.Wake(c)
	}
	x.CloseIfDone(c)
}

// CheckOutput closes a client that exceeds the output limit, and resumes reading from one that can read replies first.
func (x *Sessions) CheckOutput(c *Session) {
	x.Account(c)
	size := c.heldBytes()
	if size > c.terms.Output.Max {
		x.Close(c, session.OutputLimit)
		return
	}
	x.watchSoft(c, size)
	if c.paused {
		x.Pace(c)
	}
}

// heldBytes is how many bytes of replies and messages are kept for a client.
func (c *Session) heldBytes() int {
	n := c.Output.Len() + c.Replies.KeptBytes() + c.withheld.size() + c.unconfirmed + c.pushes.Len()
	for i := range c.inFlight { // after a redirection two shards may share one connection
		l := c.inFlight[i].conn
		if !slices.ContainsFunc(c.inFlight[:i], func(f inFlight) bool { return f.conn == l }) {
			n += c.assembled(l)
		}
	}
	return n
}

// assembled is how many bytes a connection keeps of a reply to this client that is not there whole.
func (c *Session) assembled(l *upstream.Conn) int {
	if len(l.Reply) == 0 {
		return 0
	}
	if t := l.Inflight.Front(); t == nil || t.To != c.Ref {
		return 0
	}
	return len(l.Reply)
}

// OwedTooMuch reports whether a client must read replies before its next request is sent.
func (c *Session) OwedTooMuch() bool {
	return c.Conn.OwedTooMuch(c.underWay()) || c.Output.Len() > owedBytes
}

// owesLittle reports whether a session may go on that was blocked because its client was owed too much.
func (c *Session) owesLittle() bool {
	return c.OwedLittle(c.underWay()) && c.Output.Len() <= owedBytes/2
}

// underWay is how many replies may come without a further request being sent. A request to retry has its place among
// the replies, but was not sent.
func (c *Session) underWay() (n int) {
	if len(c.retries) == 0 {
		return c.Replies.Owed()
	}
	for i := range c.inFlight {
		n += int(c.inFlight[i].owed)
	}
	return n
}

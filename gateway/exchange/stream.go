package exchange

import (
	"time"

	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
)

const (
	// streamBytes is how many bytes of a reply are kept before it streams to its client. While all are kept the request
	// can be retried when the connection is lost.
	streamBytes = 64 << 10
	// While others wait behind a big reply its connection may be stopped for its reader as long as that reader goes on
	// reading (stallGrace). From the first stop on that lasts for stopMax at most, however many replies come and for
	// how many readers, until one has caught up or nothing is in flight on the connection.
	stallGrace = 50 * time.Millisecond
	stopMax    = 200 * time.Millisecond
)

// Piece takes a part of a reply that did not come in one piece; done: it is the last. A short reply is assembled; a
// long one streams to its client as soon as the replies before it are written.
func (x *Exchange) Piece(l *upstream.Conn, b []byte, done bool) {
	if l.Streams {
		x.stream(l, b, done)
		return
	}
	blocks := x.conf.Sessions.Blocks
	l.Assemble(blocks, b)
	if done {
		reply := l.Assembled()
		x.pool.BigEnded(l)
		x.conf.Verbs.Reply(l, reply)
		blocks.Give(reply)
		return
	}
	size := int64(len(l.Reply))
	l.Weigh(size + l.Scan.Coming())
	t := l.Inflight.Front()
	if t != nil {
		if t.Flags&upstream.Hedged != 0 {
			x.HedgeAnswered(l, l.Reply[0] != '-' && l.Reply[0] != '>' && l.Queue.Sent(t.End), nil)
		}
		if c := x.Session(t.To); c != nil {
			x.CheckOutput(c)
		}
	}
	if size < streamBytes || l.Reply[0] == '-' || l.Reply[0] == '>' {
		return
	}
	if t == nil || !l.Queue.Sent(t.End) || t.Ahead > 0 {
		x.pool.Lose(l, upstream.Poisoned)
		return
	}
	if t.Flags&(upstream.Quiet|upstream.Internal) != 0 {
		return
	}
	c := x.Session(t.To)
	kept := t.Flags&upstream.Write != 0 && l.Draining || t.Flags&(upstream.Counts|upstream.ToConfirm) != 0
	if c != nil && (t.Part >= 0 || kept || !c.Replies.AtFront(t.Seq)) {
		return
	}
	if c != nil && c.Retrying() {
		x.Executed(c, t, l.Queue.Frame(l.Queue.AnsweredTo(), t.End))
	}
	if c != nil && t.Flags&upstream.Write != 0 {
		c.WroteTo(l, t.Slot)
		x.Acked(c.Service, l.Key.Node, l.Reply)
	}
	x.pool.Serves(l)
	if c != nil {
		c.Weigh(int(size + l.Scan.Coming()))
	}
	head := l.BeginStream()
	x.stream(l, head, false)
	blocks.Give(head)
}

// stream hands a piece of a long reply to its client. The connection is stopped while the client lags, so that memory
// stays small, but not for long when others wait behind it: then the client's output limit decides.
func (x *Exchange) stream(l *upstream.Conn, b []byte, done bool) {
	t := l.Inflight.Front()
	c := x.Session(t.To)
	size := l.Scan.Size() + l.Scan.Coming()
	l.Weigh(size)
	if c != nil && int(size) > c.Expects(1) { // the size of an array becomes known element by element
		c.Weigh(int(size))
	}
	if c != nil {
		x.Stream(c, b)
	}
	if !done {
		if c != nil && !c.Closed() && c.Output.Len() > sessions.StreamHigh {
			x.stopFor(l, c)
		}
		return
	}
	x.pool.EndStream(l)
	pending := *l.Inflight.Front()
	l.Inflight.Drop()
	l.Queue.Answered(pending.End)
	l.Rested()
	if c != nil && !c.Closed() {
		x.StreamEnded(c)
		if !c.Closed() {
			x.Landed(c, pending.Shard)
			x.HoldBack(c, l)
		}
	}
}

// stopFor stops reading from a connection for a client that lags behind the reply under way. Where it must not, the
// rest of the reply is kept for the client; lest its output limit close it, its later requests on the connection are
// retried.
func (x *Exchange) stopFor(l *upstream.Conn, c *sessions.Session) {
	if x.mayStop(l) {
		x.pool.Stop(l)
		x.clock.At(x.clock.Now + stallGrace)
		return
	}
	if l.Big && x.MayOverflow(c) || c.FillsUp() {
		x.takeBehind(c, l, true)
	}
}

// Stopped returns for how long a connection may stay stopped for the reader of the reply under way; 0 when it may not.
func (x *Exchange) Stopped(l *upstream.Conn) time.Duration {
	if x.mayStop(l) {
		return stallGrace
	}
	return 0
}

// mayStop reports whether a connection may be stopped for the reader of the reply under way. The reply must be a big
// one, so that nothing new is sent on the connection, and either nothing of others waits behind it, or it was not
// stopped for long. Each reader has its own grace, which its reading renews.
func (x *Exchange) mayStop(l *upstream.Conn) bool {
	if !l.Big || !x.pool.Wanted(l) && !othersBehind(l) {
		return l.Big
	}
	t := l.Inflight.Front()
	c := x.Session(t.To)
	return c != nil && x.clock.Now-c.TookAt() < stallGrace && (l.StoppedAt == 0 || x.clock.Now-l.StoppedAt < stopMax)
}

// othersBehind reports whether a connection owes a reply to other clients than the one at the front.
func othersBehind(l *upstream.Conn) bool {
	front := l.Inflight.Front()
	for t := range l.Inflight.All {
		if !front.SameClient(t) && t.To.Generation != 0 {
			return true
		}
	}
	return false
}

// RelayTunnel passes bytes of a server on, unparsed, to the client of a tunnel (see package dedicated). The connection
// is stopped while the client lags.
func (x *Exchange) RelayTunnel(l *upstream.Conn, b []byte) {
	c := x.Session(l.Owner)
	if c == nil || c.Dedicated() != l {
		return // it is being closed
	}
	x.Relay(c, b)
	if c.Output.Len() > sessions.StreamHigh {
		x.pool.Read(l, false)
	}
}

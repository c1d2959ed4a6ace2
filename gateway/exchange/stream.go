package exchange

import (
	"time"

	"evergate/gateway/upstream"
)

const (
	// streamBytes is how much of a reply is kept before it is handed on piece by piece. What is kept can still be
	// retried when the connection dies.
	streamBytes = 64 << 10
	// BigBytes is the size from which a reply or a request under way keeps new flights off its connection. A value of 1
	// MiB is below it with its frame: many clients that read such values would wait for the few connections there are.
	BigBytes = 1<<20 + 1<<10
	// streamHigh and streamLow are the reply bytes waiting for a client at which its connection is stopped and resumed.
	streamHigh = 512 << 10
	streamLow  = 128 << 10
	// While others wait behind a big reply its connection may be stopped for its reader as long as that reader goes on
	// reading (stallGrace), and for stopMax at most from the first stop on, however many replies come and for how many
	// readers, until one has caught up or the connection has nothing to do.
	stallGrace = 50 * time.Millisecond
	stopMax    = 200 * time.Millisecond
)

// Piece takes a part of a reply that did not come in one piece. A short one is put together; a long one streams to
// its client as soon as that client's earlier replies are out.
func (x *Exchange) Piece(l *upstream.Conn, b []byte, done bool) {
	if l.Streams {
		x.stream(l, b, done)
		return
	}
	if len(l.Reply) == 0 {
		l.Reply = x.blocks.Take(len(b))
	}
	l.Reply = append(x.blocks.Room(l.Reply, len(b)), b...)
	if done {
		reply := l.Reply
		l.Reply = nil
		x.pool.BigEnded(l)
		x.conf.Verbs.Reply(l, reply)
		x.blocks.Give(reply)
		return
	}
	size := int64(len(l.Reply))
	if size+l.Scan.Coming() > BigBytes {
		l.Big = true
	}
	t := l.Inflight.Front()
	if t != nil {
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
	kept := t.Flags&upstream.Write != 0 && l.Draining || t.Flags&upstream.Counts != 0
	if c != nil && (t.Part >= 0 || kept || !c.Replies.AtFront(t.Seq)) {
		return
	}
	if c != nil && len(c.retries) > 0 {
		x.Executed(c, t, l.Queue.Frame(l.Queue.AnsweredTo(), t.End))
	}
	if c != nil && t.Flags&upstream.Write != 0 {
		c.WroteTo(l)
		c.Service.Acked(l.Key.Node, l.Reply)
	}
	x.pool.Serves(l)
	if c != nil {
		c.Weigh(int(size + l.Scan.Coming()))
	}
	head := l.Reply
	l.Reply, l.Streams = nil, true
	x.stream(l, head, false)
	x.blocks.Give(head)
}

// stream hands a piece of a long reply to its client. The connection is stopped while the client lags, so that memory
// stays small, but not for long when others wait behind it: then the client's output limit decides.
func (x *Exchange) stream(l *upstream.Conn, b []byte, done bool) {
	t := l.Inflight.Front()
	c := x.Session(t.To)
	size := l.Scan.Size() + l.Scan.Coming()
	if size > BigBytes {
		l.Big = true
	}
	if c != nil && int(size) > c.Expects(1) { // of an array it is known bit by bit
		c.Weigh(int(size))
	}
	if c != nil && c.replyMode == replyOn {
		if c.Output.Len() == 0 {
			c.tookAt = x.clock.Now // it has had nothing to take so far
		}
		c.Output.Append(x.blocks, b)
		x.write(c)
		x.CheckOutput(c)
	}
	if !done {
		if c != nil && !c.closed && c.Output.Len() > streamHigh {
			x.stopFor(l, c)
		}
		return
	}
	l.Streams = false
	if l.Paused {
		x.pool.Read(l, true)
	}
	x.pool.BigEnded(l)
	pending := *l.Inflight.Front()
	l.Inflight.Drop()
	l.Queue.Answered(pending.End)
	if l.Inflight.Len() == 0 {
		l.StoppedAt = 0
	}
	if c != nil && !c.closed {
		c.replyDropped()
		c.Replies.Pass()
		x.pushKept(c)
		x.flush(c)
		if !c.closed {
			x.Landed(c, pending.Shard)
		}
	}
}

// stopFor stops reading from a connection for the reader of the reply under way, who lags. Where it may not the rest
// comes to wait for that reader; so that this does not cost it its connection, what it has asked for behind is taken
// back.
func (x *Exchange) stopFor(l *upstream.Conn, c *Session) {
	if x.mayStop(l) {
		if l.StoppedAt == 0 {
			l.StoppedAt = max(x.clock.Now, 1)
		}
		x.pool.Read(l, false)
		x.clock.At(x.clock.Now + stallGrace)
		return
	}
	if l.Big && c.heldBytes()+c.Expects(c.underWay()) > x.conf.OutputBytesMax/2 {
		x.takeBehind(c, l)
	}
}

// Stopped is for how long reading from a connection may go on being stopped for the reader of the reply under way; 0
// when it may not.
func (x *Exchange) Stopped(l *upstream.Conn) time.Duration {
	if x.mayStop(l) {
		return stallGrace
	}
	return 0
}

// mayStop says that reading from a connection may be stopped for the reader of the reply under way: it is a big one,
// so that nothing new is sent on the connection, and nobody else waits behind it, or not for long. The grace is the
// reader's own, and its reading alone renews it.
func (x *Exchange) mayStop(l *upstream.Conn) bool {
	if !l.Big || !x.pool.Wanted(l) && !othersBehind(l) {
		return l.Big
	}
	t := l.Inflight.Front()
	c := x.Session(t.To)
	return c != nil && x.clock.Now-c.tookAt < stallGrace && (l.StoppedAt == 0 || x.clock.Now-l.StoppedAt < stopMax)
}

// othersBehind says that a connection owes something to others than the client in front.
func othersBehind(l *upstream.Conn) bool {
	front := l.Inflight.Front()
	for t := range l.Inflight.All {
		if !front.SameClient(t) && t.To.Generation != 0 {
			return true
		}
	}
	return false
}

// streamsTo says that the reply under way on the connection goes to c piece by piece.
func (c *Session) streamsTo(l *upstream.Conn) bool {
	t := l.Inflight.Front()
	return l.Streams && t != nil && t.To == c.Ref
}

package worker

import (
	"time"

	"evergate/gateway/catalog"
	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/upstream"
	"evergate/topology"
)

const (
	// streamBytes is how much of a reply is kept before it is handed on piece by piece. What is kept can still be
	// retried when the lane dies.
	streamBytes = 64 << 10
	// bigBytes is the size from which a reply or a request under way keeps new flights off its lane. A value of 1 MiB is
	// below it with its frame: many clients that read such values would wait for the few lanes there are.
	bigBytes = 1<<20 + 1<<10
	// streamHigh and streamLow are the reply bytes waiting for a client at which its lane is stopped and resumed.
	streamHigh = 512 << 10
	streamLow  = 128 << 10
	// While others wait behind a big reply its lane may be stopped for its reader as long as that reader goes on
	// reading (stallGrace), and for stopMax at most from the first stop on, however many replies come and for how many
	// readers, until one has caught up or the lane has nothing to do.
	stallGrace = 50 * time.Millisecond
	stopMax    = 200 * time.Millisecond
)

// LaneRead takes bytes that a server sent. They are not kept.
func (w *Worker) LaneRead(id upstream.ConnID, b []byte) {
	l := w.pool.Conn(id)
	if l == nil || l.State != upstream.Open {
		return
	}
	w.pool.Heard(l, len(b))
	if l.WriteAt > 0 { // what waited for an answer is written
		l.WriteAt = w.clock.Now
		w.pool.Dirty(l)
	}
	if l.Key.Purpose == upstream.Subscription {
		w.pubsub.Read(l, b)
		return
	}
	if l.Tunnel {
		w.outOfTunnel(l, b)
		return
	}
	half := l.HalfFull()
	for len(b) > 0 && l.State == upstream.Open {
		n, done, err := l.Scan.Scan(b)
		if err != nil {
			w.pool.Lose(l, upstream.Poisoned)
			return
		}
		if done && len(l.Reply) == 0 && !l.Streams {
			w.reply(l, b[:n])
		} else {
			w.piece(l, b[:n], done)
		}
		b = b[n:]
	}
	w.pool.Emptied(l)
	if half && !l.HalfFull() {
		w.wakeFull(w.services[l.Key.Service])
	}
	if l.Retiring && l.State == upstream.Open && !l.Awaits() {
		w.pool.Lose(l, upstream.Retired)
	}
	if l.Key.Purpose == upstream.Dedicated && l.State == upstream.Open && l.Inflight.Len() == 0 {
		w.pinAnswered(l)
	}
}

// reply takes one whole reply.
func (w *Worker) reply(l *upstream.Conn, reply []byte) {
	if reply[0] == '>' || reply[0] == '-' && w.lastWord(l, reply) { // a push belongs to nobody's request
		return
	}
	t := l.Inflight.Front()
	if t != nil && t.Ahead > 0 && l.Queue.Begun() {
		w.ahead(l, t, reply)
		return
	}
	if t == nil || !l.Queue.Sent(t.End) {
		why := upstream.Poisoned // nobody can have asked for it
		if l.Truncated {
			why = upstream.Retired // but for the beginning of a transaction that was taken back
		}
		w.pool.Lose(l, why)
		return
	}
	if t.Flags&(upstream.Quiet|upstream.Internal) != 0 {
		w.internalReply(l, reply)
		return
	}
	if t.Flags&upstream.Blocking != 0 && len(l.Queued) > 0 {
		reply = l.Queued // what was said ahead of it was refused
	}
	if reply[0] == '-' {
		why := whyAborted(l, reply)
		if w.rejectedBy(l, why) {
			l.Queued = nil
			return
		}
		reply = saidWhy(l, w.notMulti(l, reply))
	}
	w.pool.Serves(l)
	l.Queued = nil
	if l.Key.Purpose == upstream.Replica && retry.IsAbsent(reply) && w.doubted(l, reply) {
		return
	}
	c := w.client(t.To)
	if c != nil && len(c.retries) > 0 {
		w.executed(c, t, l.Queue.Frame(l.Queue.AnsweredTo(), t.End))
	}
	if t.Flags&upstream.Counts != 0 && c != nil {
		reply = w.recount(l, t, l.Queue.Frame(l.Queue.AnsweredTo(), t.End), reply)
	}
	ticket := *l.Inflight.Front()
	l.Inflight.Drop()
	write := ticket.Flags&upstream.Write != 0 && !tookNothing(&ticket, reply)
	if c != nil && write && reply[0] != '-' {
		c.wroteTo(l)
	}
	switch {
	case c == nil:
	case write && l.Draining:
		w.withhold(c, l, &ticket, reply)
	default:
		if write {
			w.acked(c.svc, l.Key.Node, reply)
		}
		w.answered(c, l, &ticket, reply)
	}
	l.Queue.Answered(ticket.End)
	if c != nil && !c.closed {
		w.landed(c, ticket.Shard)
	}
}

// answered gives a reply to its client, unless it is that of a WAIT which goes on to the next shard.
func (w *Worker) answered(c *client, l *upstream.Conn, t *upstream.Pending, reply []byte) {
	goes := false
	if c.round != nil && t.Flags&upstream.Blocking != 0 {
		reply, goes = w.goesRound(c, t, l.Queue.Frame(l.Queue.AnsweredTo(), t.End), reply)
	}
	if !goes {
		w.settle(c, t, reply)
	}
}

// internalReply takes the reply to what no client has asked for.
func (w *Worker) internalReply(l *upstream.Conn, reply []byte) {
	ticket := *l.Inflight.Front()
	l.Inflight.Drop()
	l.Queue.Answered(ticket.End)
	switch {
	case ticket.Flags&upstream.Internal != 0:
		why := whyAborted(l, reply)
		if why[0] == '-' && retry.Classify(why, false) == retry.Unable {
			w.pool.CannotServe(l, topology.Refused, retry.Pause)
		}
		w.took(l, ticket.Seq, why)
	case reply[0] != '-':
		if name, ok := resp.Bulk(reply); ok && ticket.Flags&upstream.Loaded != 0 && len(name) == len(catalog.SHA{}) {
			w.services[l.Key.Service].catalog.Loaded(l.Key.Node, l.RunID, catalog.SHA(name))
		}
	case ticket.Flags&upstream.Counts != 0:
		w.cannotTell(l, reply)
		return
	case ticket.Flags&upstream.Loaded != 0: // the server may be loading its data, and be asked again when it has
		w.services[l.Key.Service].catalog.Unload(l.Key.Node)
	case l.Key.Purpose == upstream.Dedicated && ticket.Flags&(upstream.Loaded|upstream.Optional) == 0:
		// UNWATCH was refused: it watches still.
		w.pool.Lose(l, upstream.Poisoned)
	}
	l.Queued = nil
}

// piece takes a part of a reply that did not come in one piece. A short one is put together; a long one streams to
// its client as soon as that client's earlier replies are out.
func (w *Worker) piece(l *upstream.Conn, b []byte, done bool) {
	if l.Streams {
		w.stream(l, b, done)
		return
	}
	if len(l.Reply) == 0 {
		l.Reply = w.blocks.Take(len(b))
	}
	l.Reply = append(w.blocks.Room(l.Reply, len(b)), b...)
	if done {
		reply := l.Reply
		l.Reply = nil
		w.pool.BigEnded(l)
		w.reply(l, reply)
		w.blocks.Give(reply)
		return
	}
	size := int64(len(l.Reply))
	if size+l.Scan.Coming() > bigBytes {
		l.Big = true
	}
	t := l.Inflight.Front()
	if t != nil {
		if c := w.client(t.To); c != nil {
			w.checkOutput(c)
		}
	}
	if size < streamBytes || l.Reply[0] == '-' || l.Reply[0] == '>' {
		return
	}
	if t == nil || !l.Queue.Sent(t.End) || t.Ahead > 0 {
		w.pool.Lose(l, upstream.Poisoned)
		return
	}
	if t.Flags&(upstream.Quiet|upstream.Internal) != 0 {
		return
	}
	c := w.client(t.To)
	kept := t.Flags&upstream.Write != 0 && l.Draining || t.Flags&upstream.Counts != 0
	if c != nil && (t.Part >= 0 || kept || !c.Replies.AtFront(t.Seq)) {
		return
	}
	if c != nil && len(c.retries) > 0 {
		w.executed(c, t, l.Queue.Frame(l.Queue.AnsweredTo(), t.End))
	}
	if c != nil && t.Flags&upstream.Write != 0 {
		c.wroteTo(l)
		w.acked(c.svc, l.Key.Node, l.Reply)
	}
	w.pool.Serves(l)
	if c != nil {
		c.Weigh(int(size + l.Scan.Coming()))
	}
	head := l.Reply
	l.Reply, l.Streams = nil, true
	w.stream(l, head, false)
	w.blocks.Give(head)
}

// stream hands a piece of a long reply to its client. The lane is stopped while the client lags, so that memory stays
// small, but not for long when others wait behind it: then the client's output limit decides.
func (w *Worker) stream(l *upstream.Conn, b []byte, done bool) {
	t := l.Inflight.Front()
	c := w.client(t.To)
	size := l.Scan.Size() + l.Scan.Coming()
	if size > bigBytes {
		l.Big = true
	}
	if c != nil && int(size) > c.Expects(1) { // of an array it is known bit by bit
		c.Weigh(int(size))
	}
	if c != nil && c.replyMode == replyOn {
		if c.Output.Len() == 0 {
			c.tookAt = w.clock.Now // it has had nothing to take so far
		}
		c.Output.Append(w.blocks, b)
		w.dirtyClient(c)
		w.checkOutput(c)
	}
	if !done {
		if c != nil && !c.closed && c.Output.Len() > streamHigh {
			w.stopFor(l, c)
		}
		return
	}
	l.Streams = false
	if l.Paused {
		w.pool.Read(l, true)
	}
	w.pool.BigEnded(l)
	ticket := *l.Inflight.Front()
	l.Inflight.Drop()
	l.Queue.Answered(ticket.End)
	if l.Inflight.Len() == 0 {
		l.StoppedAt = 0
	}
	if c != nil && !c.closed {
		c.replyDropped()
		c.Replies.Pass()
		w.pushKept(c)
		w.flush(c)
		if !c.closed {
			w.landed(c, ticket.Shard)
		}
	}
}

// stopFor stops reading from a lane for the reader of the reply under way, who lags. Where it may not the rest comes to
// wait for that reader; so that this does not cost it its connection, what it has asked for behind is taken back.
func (w *Worker) stopFor(l *upstream.Conn, c *client) {
	if w.mayStop(l) {
		if l.StoppedAt == 0 {
			l.StoppedAt = max(w.clock.Now, 1)
		}
		w.pool.Read(l, false)
		w.clock.At(w.clock.Now + stallGrace)
		return
	}
	if l.Big && c.holds()+c.Expects(c.underWay()) > w.conf.OutputBytesMax/2 {
		w.takeBehind(c, l)
	}
}

// mayStop says that reading from a lane may be stopped for the reader of the reply under way: it is a big one, so that
// nothing new is sent on the lane, and nobody else waits behind it, or not for long. The grace is the reader's own, and
// its reading alone renews it.
func (w *Worker) mayStop(l *upstream.Conn) bool {
	if !l.Big || !w.pool.Wanted(l) && !othersBehind(l) {
		return l.Big
	}
	t := l.Inflight.Front()
	c := w.client(t.To)
	return c != nil && w.clock.Now-c.tookAt < stallGrace && (l.StoppedAt == 0 || w.clock.Now-l.StoppedAt < stopMax)
}

// othersBehind says that a lane owes something to others than the client in front.
func othersBehind(l *upstream.Conn) bool {
	front := l.Inflight.Front()
	for t := range l.Inflight.All {
		if !front.SameClient(t) && t.To.Generation != 0 {
			return true
		}
	}
	return false
}

// streamsTo says that the reply under way on the lane goes to c piece by piece.
func (w *Worker) streamsTo(l *upstream.Conn, c *client) bool {
	t := l.Inflight.Front()
	return l.Streams && t != nil && t.To == c.ref
}

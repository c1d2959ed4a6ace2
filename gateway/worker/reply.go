package worker

import (
	"evergate/gateway/acks"
	"evergate/gateway/catalog"
	"evergate/gateway/exchange"
	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
	"evergate/gateway/transaction"
	"evergate/gateway/upstream"
	"evergate/routing"
	"evergate/topology"
)

// ConnRead takes bytes that a server sent. They are not kept.
func (w *Worker) ConnRead(id upstream.ConnID, b []byte) {
	l := w.pool.Conn(id)
	if l == nil || l.State != upstream.Open {
		return
	}
	w.pool.Heard(l, len(b))
	switch {
	case l.Key.Purpose == upstream.Subscription:
		w.pubsub.Read(l, b)
		w.x.Evict()
		return
	case l.Tunnel:
		w.x.RelayTunnel(l, b)
		return
	}
	half := l.HalfFull()
	for len(b) > 0 && l.State == upstream.Open {
		size := l.Scan.Size()
		n, done, err := l.Scan.Scan(b)
		if err != nil {
			w.pool.Lose(l, upstream.Poisoned)
			return
		}
		if done && len(l.Reply) == 0 && !l.Streams {
			w.reply(l, b[:n])
		} else {
			if size += int64(n); done && l.Streams {
				w.streamed(l, int(size))
			}
			w.x.Piece(l, b[:n], done)
		}
		b = b[n:]
	}
	w.pool.Emptied(l)
	if half && !l.HalfFull() {
		w.services[l.Key.Service].WakeFull()
	}
	if l.Retiring && l.State == upstream.Open && !l.Awaits() {
		w.pool.Lose(l, upstream.Retired)
	}
	if l.Key.Purpose == upstream.Dedicated && l.State == upstream.Open {
		w.x.DedicatedRead(l)
	}
	w.x.Evict()
}

// incoming is one whole reply on its way through the steps.
type incoming struct {
	conn *upstream.Conn
	// pending is the request in front, nil for none.
	pending *upstream.Pending
	reply   []byte
}

// frame is that of the request in front. It is valid until the request is taken off the queue.
func (r *incoming) frame() []byte {
	return r.conn.Queue.Frame(r.conn.Queue.AnsweredTo(), r.pending.End)
}

// streamed notes the end of a long reply that goes to its client as it comes.
func (w *Worker) streamed(l *upstream.Conn, size int) {
	p := l.Inflight.Front()
	if w.hot.DueReply(size) {
		w.hot.stream(w, l, size)
	}
	if c := w.x.Session(p.To); c != nil {
		w.timed(c, l, p, size)
	}
	l.AnsweredAt(w.clock.Stamp)
}

// reply takes one whole reply.
//
// The first steps end it: they are about replies that are not a client's, or not yet. What is left is the reply to the
// request in front, which was executed, or rejected for good: it is noted by all who must know before its client does,
// and then given to the client, or withheld.
func (w *Worker) reply(l *upstream.Conn, reply []byte) {
	r := incoming{conn: l, pending: l.Inflight.Front(), reply: reply}
	switch {
	case reply[0] == '>', // a push is the reply to no request
		r.isLastWord(w), // a protocol error comes before the request was sent whole
		r.isAhead(w),    // OK and QUEUED come before the reply to EXEC
		r.isUnasked(w),  // no request was sent that it could answer
		r.isHedged(w),   // another server was asked, too: which one the client goes on with
		r.isInternal(w), // the gateway's own
		r.isRejected(w), // not executed: it is retried, or answered otherwise
		r.isAbsent(w):   // a replica may not know that a key has moved, or what its primary permits
		return
	}
	c := w.x.Session(r.pending.To)
	r.overtakes(w, c)
	r.recount(w, c)
	r.give(w, c)
}

func (r *incoming) isLastWord(w *Worker) bool {
	return r.reply[0] == '-' && w.x.LastWord(r.conn, r.reply)
}

func (r *incoming) isAhead(w *Worker) bool {
	return r.pending != nil && r.pending.Ahead > 0 && r.takeAhead(w)
}

func (r *incoming) takeAhead(w *Worker) bool {
	if !r.conn.Queue.Begun() {
		return false
	}
	w.transactions.TakeAhead(r.conn, r.pending, r.reply)
	return true
}

func (r *incoming) isUnasked(w *Worker) bool {
	if r.pending != nil && r.conn.Queue.Sent(r.pending.End) {
		return false
	}
	why := upstream.Poisoned
	if r.conn.Truncated { // the beginning of a transaction was taken back, and is answered all the same
		why = upstream.Retired
	}
	w.pool.Lose(r.conn, why)
	return true
}

// isHedged never ends it: the reply is dropped as that to a client which has left, if the other server is waited for.
func (r *incoming) isHedged(w *Worker) bool {
	if r.pending.Flags&upstream.Hedged != 0 {
		w.x.HedgeAnswered(r.conn, r.reply[0] != '-', r.reply)
	}
	return false
}

func (r *incoming) isInternal(w *Worker) bool {
	if r.pending.Flags&(upstream.Quiet|upstream.Internal) == 0 {
		return false
	}
	w.internalReply(r.conn, r.reply)
	return true
}

// internalReply takes the reply to a request that no client has sent.
func (w *Worker) internalReply(l *upstream.Conn, reply []byte) {
	p := *l.Inflight.Front()
	l.Inflight.Drop()
	l.Queue.Answered(p.End)
	switch {
	case p.Flags&upstream.Confirms != 0:
		if p.Flags&upstream.Counts == 0 {
			w.x.TakeConfirmation(l, reply)
			break
		}
		if reply[0] == '-' {
			l.Reject(reply)
		}
		return
	case p.Flags&upstream.Internal != 0:
		why := transaction.FirstCause(l, reply)
		if why[0] == '-' && retry.Classify(why, false) == retry.Unable {
			w.pool.CannotServe(l, topology.Refused, retry.Pause)
		}
		w.inquiries.Take(l, p.Seq, why)
	case p.Flags&upstream.Ends != 0:
		if retry.Classify(reply, false) == retry.Busy {
			l.ForgetEnded()
		}
	case reply[0] != '-':
		if name, ok := resp.Bulk(reply); ok && p.Flags&upstream.Loaded != 0 && len(name) == len(catalog.SHA{}) {
			w.services[l.Key.Service].Catalog.Loaded(l.Key.Node, l.RunID, catalog.SHA(name))
		}
	case p.Flags&upstream.Counts != 0:
		w.dedicated.FailWait(l, reply)
		return
	case p.Flags&upstream.Loaded != 0: // the server may be loading its data, and be asked again when it has
		w.services[l.Key.Service].Catalog.Unload(l.Key.Node)
	case l.Key.Purpose == upstream.Dedicated && p.Flags&(upstream.Loaded|upstream.Optional) == 0:
		// UNWATCH was rejected: the connection watches still.
		w.pool.Lose(l, upstream.Poisoned)
	}
	l.Explained()
}

func (r *incoming) isRejected(w *Worker) bool {
	l := r.conn
	if r.pending.Flags&upstream.Blocking != 0 && len(l.Queued) > 0 {
		r.reply = l.Queued // what was sent ahead of it was rejected
	}
	if r.reply[0] == '-' {
		if w.rejectedBy(l, transaction.AbortCause(l, r.reply)) {
			l.Explained()
			return true
		}
		if r.isUnblocked(w) {
			return true
		}
		r.reply = transaction.WithCause(l, w.transactions.MultiRejected(l, r.reply))
	}
	w.pool.Serves(l)
	l.Explained()
	return false
}

// isUnblocked reports whether the server has ended the blocking command of a client that is to be closed: it gets no
// reply.
func (r *incoming) isUnblocked(w *Worker) bool {
	l, p := r.conn, *r.pending
	if p.Flags&upstream.Blocking == 0 || string(r.reply) != retry.UnblockedByClient {
		return false
	}
	c := w.x.Session(p.To)
	if c == nil || !c.Unblocking() {
		return false
	}
	w.pool.Serves(l)
	l.AnsweredAt(w.clock.Stamp)
	l.Inflight.Drop()
	w.x.End(c, session.ClientLeft) // if it was not yet: its client has half-closed
	w.x.Settle(c, &p, nil)
	l.Queue.Answered(p.End)
	l.Explained()
	if !c.Closed() {
		w.x.Landed(c, p.Shard)
	}
	return true
}

func (r *incoming) isAbsent(w *Worker) bool {
	return r.conn.Key.Purpose == upstream.Replica && r.suspect(w)
}

func (r *incoming) suspect(w *Worker) bool {
	return (retry.IsAbsent(r.reply) || retry.IsOfServer(r.reply)) && w.x.AskPrimary(r.conn, r.reply)
}

// overtakes records that a request was executed while earlier ones wait to be retried: some of them can no longer be
// done in order.
func (r *incoming) overtakes(w *Worker, c *sessions.Session) {
	if c != nil && c.Retrying() {
		w.x.Executed(c, r.pending, r.frame())
	}
}

// recount corrects a reply that counts subscribers.
func (r *incoming) recount(w *Worker, c *sessions.Session) {
	if c != nil && r.pending.Flags&upstream.Counts != 0 {
		r.reply = w.subscribers.Recount(r.conn, r.pending, r.frame(), r.reply)
	}
}

// execCommand is the Index of EXEC. Its reply has those to the commands of a transaction.
var execCommand = routing.Named("exec").Index

// give takes the request off its queue and gives the reply to its client; that to a write of a demoted primary is
// withheld.
func (r *incoming) give(w *Worker, c *sessions.Session) {
	l, p := r.conn, *r.pending
	if c != nil && w.hot.DueReply(len(r.reply)) {
		w.hot.reply(w, c.Service, r.frame(), len(r.reply))
	}
	write := p.Flags&upstream.Write != 0 && !exchange.TookNothing(&p, r.reply)
	confirmed := write && p.Flags&upstream.ToConfirm != 0 && r.reply[0] != '-' // by replicas, later
	var settled func()
	var spent acks.Spent
	switch {
	case c == nil && p.Flags&upstream.Hedged != 0 && r.reply[0] != '-':
		w.x.TakeLateTime(l, &p)
	case c == nil:
	case confirmed:
		spent = w.timedAtServer(c, l, &p)
	case write && l.Draining:
		settled = w.timedLater(c, l, len(r.reply))
	default:
		w.timed(c, l, &p, len(r.reply))
	}
	if c != nil && p.Command == execCommand {
		c.Service.CountErrorsIn(r.reply)
	}
	l.AnsweredAt(w.clock.Stamp)
	mark := upstream.Mark(0)
	if settled != nil {
		mark = r.pending.TakeMark()
	}
	l.Inflight.Drop()
	if c == nil {
		l.Queue.Answered(p.End)
		return
	}
	if write && r.reply[0] != '-' {
		c.WroteTo(l, p.Slot)
		c.Service.Stays(&p, l.Key.Node)
	}
	switch {
	case confirmed:
		w.x.KeepUnconfirmed(c, l, &p, r.reply, spent)
		l.Queue.Answered(p.End)
		return // it is in flight until replicas have confirmed it
	case settled != nil:
		w.x.Withhold(c, l, &p, mark, r.reply, settled)
	default:
		if write {
			w.x.Acked(c.Service, l.Key.Node, r.reply)
		}
		w.settle(c, l, &p, r.reply)
	}
	l.Queue.Answered(p.End)
	if !c.Closed() {
		w.x.Landed(c, p.Shard)
		w.x.HoldBack(c, l)
	}
}

// settle gives a reply to its client, unless it is that of a WAIT which goes on to the next shard.
func (w *Worker) settle(c *sessions.Session, l *upstream.Conn, p *upstream.Pending, reply []byte) {
	goes := false
	if c.Round != nil && p.Flags&upstream.Blocking != 0 {
		reply, goes = w.dedicated.NextShard(c, p, l.Queue.Frame(l.Queue.AnsweredTo(), p.End), reply)
	}
	if !goes {
		w.x.Settle(c, p, reply)
	}
}

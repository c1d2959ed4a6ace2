package worker

import (
	"evergate/gateway/catalog"
	"evergate/gateway/exchange"
	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/transaction"
	"evergate/gateway/upstream"
	"evergate/topology"
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
		w.x.Relay(l, b)
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
	if l.Key.Purpose == upstream.Dedicated && l.State == upstream.Open && l.Inflight.Len() == 0 {
		w.x.DedicatedAnswered(l)
	}
}

// reply takes one whole reply.
func (w *Worker) reply(l *upstream.Conn, reply []byte) {
	if reply[0] == '>' || reply[0] == '-' && w.x.LastWord(l, reply) { // a push belongs to nobody's request
		return
	}
	t := l.Inflight.Front()
	if t != nil && t.Ahead > 0 && l.Queue.Begun() {
		w.transactions.TakeAhead(l, t, reply)
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
		why := transaction.AbortCause(l, reply)
		if w.rejectedBy(l, why) {
			l.Queued = nil
			return
		}
		reply = transaction.WithCause(l, w.transactions.NotMulti(l, reply))
	}
	w.pool.Serves(l)
	l.Queued = nil
	if l.Key.Purpose == upstream.Replica && retry.IsAbsent(reply) && w.x.Suspect(l, reply) {
		return
	}
	c := w.x.Session(t.To)
	if c != nil && c.Retrying() {
		w.x.Executed(c, t, l.Queue.Frame(l.Queue.AnsweredTo(), t.End))
	}
	if t.Flags&upstream.Counts != 0 && c != nil {
		reply = w.subscribers.Recount(l, t, l.Queue.Frame(l.Queue.AnsweredTo(), t.End), reply)
	}
	ticket := *l.Inflight.Front()
	l.Inflight.Drop()
	write := ticket.Flags&upstream.Write != 0 && !exchange.TookNothing(&ticket, reply)
	if c != nil && write && reply[0] != '-' {
		c.WroteTo(l)
	}
	switch {
	case c == nil:
	case write && l.Draining:
		w.x.Withhold(c, l, &ticket, reply)
	default:
		if write {
			c.Service.Acked(l.Key.Node, reply)
		}
		w.answered(c, l, &ticket, reply)
	}
	l.Queue.Answered(ticket.End)
	if c != nil && !c.Closed() {
		w.x.Landed(c, ticket.Shard)
	}
}

// answered gives a reply to its client, unless it is that of a WAIT which goes on to the next shard.
func (w *Worker) answered(c *exchange.Session, l *upstream.Conn, t *upstream.Pending, reply []byte) {
	goes := false
	if c.Round != nil && t.Flags&upstream.Blocking != 0 {
		reply, goes = w.dedicated.NextShard(c, t, l.Queue.Frame(l.Queue.AnsweredTo(), t.End), reply)
	}
	if !goes {
		w.x.Settle(c, t, reply)
	}
}

// internalReply takes the reply to what no client has asked for.
func (w *Worker) internalReply(l *upstream.Conn, reply []byte) {
	ticket := *l.Inflight.Front()
	l.Inflight.Drop()
	l.Queue.Answered(ticket.End)
	switch {
	case ticket.Flags&upstream.Internal != 0:
		why := transaction.AbortCause(l, reply)
		if why[0] == '-' && retry.Classify(why, false) == retry.Unable {
			w.pool.CannotServe(l, topology.Refused, retry.Pause)
		}
		w.inquiries.Take(l, ticket.Seq, why)
	case reply[0] != '-':
		if name, ok := resp.Bulk(reply); ok && ticket.Flags&upstream.Loaded != 0 && len(name) == len(catalog.SHA{}) {
			w.services[l.Key.Service].Catalog.Loaded(l.Key.Node, l.RunID, catalog.SHA(name))
		}
	case ticket.Flags&upstream.Counts != 0:
		w.dedicated.FailWait(l, reply)
		return
	case ticket.Flags&upstream.Loaded != 0: // the server may be loading its data, and be asked again when it has
		w.services[l.Key.Service].Catalog.Unload(l.Key.Node)
	case l.Key.Purpose == upstream.Dedicated && ticket.Flags&(upstream.Loaded|upstream.Optional) == 0:
		// UNWATCH was refused: it watches still.
		w.pool.Lose(l, upstream.Poisoned)
	}
	l.Queued = nil
}

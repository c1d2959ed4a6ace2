package exchange

import (
	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/routing"
)

// A read can be retried on another server: where the first one is silent, or where its reply cannot be trusted. A
// replica of a cluster does not know that a slot is being moved: a key that was moved is missing there, and the reply
// is that for a key that never was, where the primary would reply ASK. So where a replica replies that something is
// missing, the primary is asked. So it is where a replica does not permit a read, or does not know the command: users
// are not replicated.

// ReadElsewhere retries the reads on a silent connection which another server takes now. What the silent server still
// replies to them is dropped. A session with a write there, or with a read that stays, keeps all that it has there: its
// replies come in order, so nothing of it could be answered sooner, and what stays would overtake what is retried.
func (x *Exchange) ReadElsewhere(l *upstream.Conn) {
	x.GiveUpHedged(l)
	s := x.Served(l)
	if s.Reads == session.FromPrimary || s.View == nil || l.Key.Purpose > upstream.Replica {
		return // also for dedicated connections: a WATCH holds there only
	}
	stay := map[session.Ref]bool{}
	for i := range l.Inflight.Len() {
		if t := l.Inflight.At(i); t.Flags&(upstream.Quiet|upstream.Internal) == 0 && !stay[t.To] {
			c := x.Session(t.To)
			stay[t.To] = c == nil || c.Reading().OnPrimary() || !mayMove(l, i) || !x.leadsElsewhere(c, l, i)
		}
	}
	for i := range l.Inflight.Len() {
		t := l.Inflight.At(i)
		if stays, has := stay[t.To]; has && !stays && t.Flags&(upstream.Quiet|upstream.Internal) == 0 {
			x.totals.ReadElsewhere++
			x.recall(x.Session(t.To), t, l.FrameOf(i), t.Redirects+1)
		}
	}
}

// mayMove reports whether the request with an index on a silent connection may be retried. The read at the front may be
// what keeps the server busy: it is moved only once.
func mayMove(l *upstream.Conn, i int) bool {
	t := l.Inflight.At(i)
	if t.Flags&upstream.Write != 0 || t.Redirects >= retry.RedirectsMax-1 {
		return false
	}
	return i > 0 || !l.Streams && t.Redirects == 0
}

// leadsElsewhere reports whether the read with an index on a connection would be sent to another server now. The same
// one would only have more to do: it may be the only one that has the writes to the keys, or that serves the command.
func (x *Exchange) leadsElsewhere(c *sessions.Session, l *upstream.Conn, i int) bool {
	t := l.Inflight.At(i)
	x.args = resp.Args(l.FrameOf(i), x.args[:0])
	command := c.Service.Catalog.Row(x.args)
	var d routing.Decision
	c.Service.Catalog.Decide(&d, command, x.args, c.Service.View)
	if d.Kind != routing.Forward {
		d.Shard, d.Slot = int(t.Shard), int(t.Slot) // a part of it
	}
	if !d.Read {
		return c.Service.Elsewhere(l, d.Shard, nil)
	}
	return c.Service.Elsewhere(l, d.Shard, x.readOf(c, d.Shard, d.Slot, x.KeysOf(c, &d, command, x.args)))
}

// AskPrimary retries the read at the front of a connection on the primary, if that can be asked at once or the reply
// must not be old: a replica replied that something is missing, or is not permitted. It returns false when that reply
// is the answer.
func (x *Exchange) AskPrimary(l *upstream.Conn, reply []byte) bool {
	s := x.Served(l)
	t := *l.Inflight.Front()
	c := x.Session(t.To)
	if c == nil || s.View == nil || c.Reading().From == session.OnlyReplica || t.Redirects >= retry.RedirectsMax ||
		!retry.IsOfServer(reply) && (!s.View.Sharded || t.Slot < 0) {
		return false
	}
	if c.Reading().Consistency != session.Gateway && !s.PrimaryTakes(int(t.Shard), l.Key.Setup) {
		return false
	}
	frame := l.Queue.Frame(l.Queue.AnsweredTo(), t.End)
	x.args = resp.Args(frame, x.args[:0])
	if command := routing.Lookup(x.args); command == nil || command.Has(routing.Local) {
		return false
	}
	x.totals.Suspected++
	l.Inflight.Drop()
	v := retry.Decide(retry.Absent, &retry.Facts{Redirects: t.Redirects, Retries: t.Retries})
	x.SendBack(c, l, &t, frame, retry.Entry{Target: -1}, retry.Absent, &v)
	l.Queue.Answered(t.End)
	return true
}

package exchange

import (
	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/routing"
)

// A read can be retried on another server: where the first one is silent, or where its reply cannot be trusted. A
// replica of a cluster does not know that a slot is being moved: a key that was moved is missing there, and the reply
// is that for a key that never was, where the primary would reply ASK. So where a replica replies that something is
// missing, the primary is asked. So it is where a replica does not permit a read, or does not know the command: users
// are not replicated.

// ReadElsewhere retries the reads on a silent connection where another server can take them, except those of sessions
// that have a write there. What the silent server still replies to them is dropped. The read at the front may be what
// keeps the server busy: it is moved only once.
func (x *Exchange) ReadElsewhere(l *upstream.Conn) {
	x.GiveUpHedged(l)
	s := x.Served(l)
	if s.Reads == session.FromPrimary || s.View == nil || l.Key.Purpose > upstream.Replica ||
		!s.AnotherReads(l) {
		return // also for dedicated connections: a WATCH holds there only
	}
	writers := map[session.Ref]bool{}
	for t := range l.Inflight.All {
		if t.Flags&upstream.Write != 0 {
			writers[t.To] = true
		}
	}
	front, start := true, l.Queue.AnsweredTo()
	for t := range l.Inflight.All {
		first, from := front, start
		front, start = false, t.End
		c := x.Session(t.To)
		if c == nil || c.Reading().OnPrimary() || t.Flags&(upstream.Quiet|upstream.Internal) != 0 || writers[c.Ref] ||
			first && l.Streams || t.Redirects >= retry.RedirectsMax-1 || first && t.Redirects > 0 {
			continue
		}
		x.totals.ReadElsewhere++
		x.recall(c, t, l.Queue.Frame(from, t.End), t.Redirects+1)
	}
}

// AskPrimary retries the read at the front of a connection on the primary, if that can be asked at once or the reply
// must not be old: a replica replied that something is missing, or is not permitted. It returns false when that reply
// is the answer.
func (x *Exchange) AskPrimary(l *upstream.Conn, reply []byte) bool {
	s := x.Served(l)
	t := *l.Inflight.Front()
	c := x.Session(t.To)
	if c == nil || s.View == nil || c.Reading().From != session.PreferReplica || t.Redirects >= retry.RedirectsMax ||
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

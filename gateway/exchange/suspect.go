package exchange

import (
	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/upstream"
	"evergate/routing"
)

// A replica of a cluster does not know that a slot is being moved: a key that has moved is missing there, and the reply
// is that of a key that never was, where its primary would say ASK. So a replica's word that something is missing is
// not taken: the primary is asked.

// Suspect sends a read on to the primary, where a replica says that something is missing and a primary can be asked at
// once. It returns false when the reply is to be taken.
func (x *Exchange) Suspect(l *upstream.Conn, reply []byte) bool {
	s := x.served[l.Key.Service]
	t := *l.Inflight.Front()
	c := x.Session(t.To)
	if c == nil || s.View == nil || !s.View.Sharded || s.Reads != upstream.PreferReplica || t.Slot < 0 ||
		t.Redirects >= retry.RedirectsMax {
		return false
	}
	if !s.PrimaryTakes(int(t.Shard), l.Key.Setup) {
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

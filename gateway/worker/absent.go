package worker

import (
	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/upstream"
	"evergate/routing"
)

// A replica of a cluster does not know that a slot is being moved: a key that has moved is missing there, and the reply
// is that of a key that never was, where its primary would say ASK. So a replica's word that something is missing is
// not taken: the primary is asked.

// doubted sends a read on to the primary, where a replica says that something is missing and a primary can be asked at
// once. It returns false when the reply is to be taken.
func (w *Worker) doubted(l *upstream.Conn, reply []byte) bool {
	s := w.services[l.Key.Service]
	t := *l.Inflight.Front()
	c := w.client(t.To)
	if c == nil || s.View == nil || !s.View.Sharded || s.Reads != upstream.PreferReplica || t.Slot < 0 ||
		t.Redirects >= retry.RedirectsMax {
		return false
	}
	if !s.PrimaryTakes(int(t.Shard), l.Key.Setup) {
		return false
	}
	frame := l.Queue.Frame(l.Queue.AnsweredTo(), t.End)
	w.args = resp.Args(frame, w.args[:0])
	if command := routing.Lookup(w.args); command == nil || isLocal(command) {
		return false
	}
	w.stats.Doubted++
	l.Inflight.Drop()
	v := retry.Decide(retry.Absent, &retry.Facts{Redirects: t.Redirects, Retries: t.Retries})
	w.sendBack(c, l, &t, frame, retry.Entry{Target: -1}, retry.Absent, &v)
	l.Queue.Answered(t.End)
	return true
}

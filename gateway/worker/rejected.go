package worker

import (
	"bytes"

	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/upstream"
	"evergate/routing"
	"evergate/topology"
)

// A request that a server refused because of its role or the place of a key was not executed. It goes back to its
// session, which lets its flight finish and then retries it first, unless a later request of that flight that
// shares a key with it (in a cluster; elsewhere: any later request) was executed: then doing it would change the
// order, and the client is told. Redis's own words for such a refusal never reach a client.

// rejectedBy deals with an error reply for the oldest ticket of a lane. It returns false when the error is an answer.
func (w *Worker) rejectedBy(l *upstream.Conn, reply []byte) bool {
	s := w.services[l.Key.Service]
	kind := retry.Classify(reply, false)
	if s.View == nil || kind == retry.Answered {
		return false
	}
	t := *l.Inflight.Front()
	frame := l.Queue.Frame(l.Queue.AnsweredTo(), t.End)
	w.args = resp.Args(frame, w.args[:0])
	rejected := retry.Rejected{Args: w.args, Sharded: s.View.Sharded, Write: t.Flags&upstream.Write != 0,
		Slot: int(t.Slot), Age: w.clock.Now - l.OpenedAt}
	if !rejected.Credible(reply, kind) {
		return false
	}
	a, f := retry.Entry{Target: -1}, w.x.Facts(l, &t, kind)
	switch {
	case kind == retry.NoScript:
		if t.Flags&upstream.Loaded == 0 {
			a.Load = s.Catalog.Remembered(routing.Lookup(w.args), w.args)
		}
		f.Loadable = a.Load != nil
	case kind.IsRedirect():
		var ok bool
		if a.Target, ok = w.x.Redirected(l, reply, kind, &t); !ok {
			return false
		}
		f.Known = a.Target >= 0
	}
	v := retry.Decide(kind, &f)
	if v.Outcome == retry.Pass {
		return false
	}
	switch kind {
	case retry.Busy:
		w.pool.CannotServe(l, topology.ConnectionSlow, retry.Pause)
	case retry.Unable:
		w.pool.CannotServe(l, topology.Refused, retry.Pause)
	}
	if v.Fallback {
		a.Fallback = bytes.Clone(reply)
	}
	w.counts.RefusedByServer[kind]++
	l.Inflight.Drop()
	if c := w.x.Session(t.To); c != nil {
		w.x.SendBack(c, l, &t, frame, a, kind, &v)
	}
	l.Queue.Answered(t.End)
	if kind == retry.NoPassword {
		w.pool.Lose(l, upstream.NotAuthenticated)
	}
	return true
}

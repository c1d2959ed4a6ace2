package worker

import (
	"bytes"

	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/upstream"
	"evergate/routing"
	"evergate/topology"
)

// A request that a server rejected because of its role or the place of a key was not executed. It goes back to its
// session, which waits for what it has in flight and then retries the request first. If a later request of the same
// session that shares a key with it (without slots: any later request) was executed meanwhile, a retry would change the
// order, and the client is answered TRYAGAIN. Redis's own words for such a rejection never reach a client.

// rejectedBy handles an error reply to the request in front. It returns false when the error is the client's reply.
//
// The steps: is it a rejection, or an error that is worded like one; what does the verdict depend on; the verdict; what
// it says about the server; back to the session, before the frame is dropped.
func (w *Worker) rejectedBy(l *upstream.Conn, reply []byte) bool {
	s := w.services[l.Key.Service]
	kind := retry.Classify(reply, false)
	if s.View == nil || kind == retry.Answered {
		return false
	}
	p := *l.Inflight.Front()
	frame := l.Queue.Frame(l.Queue.AnsweredTo(), p.End)
	w.args = resp.Args(frame, w.args[:0])
	rejected := retry.Rejected{Args: w.args, Sharded: s.View.Sharded, Write: p.Flags&upstream.Write != 0,
		Slot: int(p.Slot), Age: w.clock.Now - l.OpenedAt}
	if !rejected.Credible(reply, kind) {
		return false
	}
	entry, facts, ok := w.rejection(l, &p, kind, reply)
	if !ok {
		return false
	}
	v := retry.Decide(kind, &facts)
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
		entry.Fallback = bytes.Clone(reply)
	}
	w.counts.RefusedByServer[kind]++
	l.Inflight.Drop()
	if c := w.x.Session(p.To); c != nil {
		w.x.SendBack(c, l, &p, frame, entry, kind, &v)
	}
	l.Queue.Answered(p.End)
	if kind == retry.NoPassword {
		w.pool.Lose(l, upstream.NotAuthenticated)
	}
	return true
}

// rejection is what the verdict on a rejected request depends on, and the beginning of its retry. ok is false where a
// redirection is not worded as it should be.
func (w *Worker) rejection(l *upstream.Conn, p *upstream.Pending, kind retry.Kind, reply []byte) (entry retry.Entry,
	facts retry.Facts, ok bool) {
	entry, facts = retry.Entry{Target: -1}, w.x.Facts(l, p, kind)
	switch {
	case kind == retry.NoScript:
		if p.Flags&upstream.Loaded == 0 {
			entry.Load = w.services[l.Key.Service].Catalog.Remembered(routing.Lookup(w.args), w.args)
		}
		facts.Loadable = entry.Load != nil
	case kind.IsRedirect():
		if entry.Target, ok = w.x.Redirected(l, reply, kind, p); !ok {
			return entry, facts, false
		}
		facts.Known = entry.Target >= 0
	}
	return entry, facts, true
}

package worker

import (
	"bytes"
	"time"

	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/upstream"
	"evergate/topology"
)

// A request that a server refused because of its role or the place of a key was not executed. It goes back to its
// session, which lets its flight finish and then retries it first, unless a later request of that flight that
// shares a key with it (in a cluster; elsewhere: any later request) was executed: then doing it would change the
// order, and the client is told. Redis's own words for such a refusal never reach a client.

// carefulFor is how long a session has one request at a time in flight on a slot that is being moved.
const carefulFor = 2 * time.Second

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
	a, f := retry.Entry{Target: -1}, w.rejection(l, &t, kind)
	switch {
	case kind == retry.NoScript:
		a.Load = w.unknown(l, &t, w.args)
		f.Loadable = a.Load != nil
	case kind.IsRedirect():
		var ok bool
		if a.Target, ok = w.redirected(l, reply, kind, &t); !ok {
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
	w.stats.RefusedByServer[kind]++
	l.Inflight.Drop()
	if c := w.client(t.To); c != nil {
		w.sendBack(c, l, &t, frame, a, kind, &v)
	}
	l.Queue.Answered(t.End)
	if kind == retry.NoPassword {
		w.pool.Lose(l, upstream.NotAuthenticated)
	}
	return true
}

// rejection is what the verdict on a refused request depends on.
func (w *Worker) rejection(l *upstream.Conn, t *upstream.Pending, kind retry.Kind) retry.Facts {
	f := retry.Facts{
		Redirects: t.Redirects, Retries: t.Retries, Replica: l.Key.Purpose == upstream.Replica,
		OnlyReplicas: w.services[l.Key.Service].Reads == upstream.OnlyReplica, Watched: t.Flags&upstream.Watched != 0,
		Bypass: l.Bypass, Switching: l.Draining || w.pool.JustSwitched(l),
	}
	switch c := w.client(t.To); {
	case c == nil:
	case kind == retry.TryAgain:
		f.Window = c.patience()
	default:
		f.Window = c.window()
	}
	return f
}

// sendBack gives a refused request back to its session.
func (w *Worker) sendBack(c *client, l *upstream.Conn, t *upstream.Pending, frame []byte, a retry.Entry,
	kind retry.Kind, v *retry.Verdict,
) {
	if t.Flags&upstream.Watched != 0 {
		w.watchLost(c, t, frame)
		if !c.closed {
			w.landed(c, t.Shard)
		}
		return
	}
	if kind.Careful() {
		own := c.own()
		own.carefulSlot, own.carefulUntil = t.Slot, w.clock.Now+carefulFor
	}
	switch {
	case v.Outcome == retry.Retry:
		a.Redirects, a.Retries, a.Ask, a.Primary = v.Redirects, v.Retries, v.Ask, v.Primary
		a.At, a.Firm = w.clock.Now+v.After, v.Firm
		first := len(c.retries) == 0
		w.addRetry(c, t, frame, a)
		// A server that lacks a script does the writes behind it, after which neither it nor a read could be done in order.
		if first && v.Siblings && !(kind == retry.NoScript && w.writesBehind(c, l, t)) {
			w.takeReads(c, l, t)
		}
	case kind == retry.Unable:
		if c.hold.Mode == HoldDryRun {
			w.stats.WouldHaveHeld++
		}
		w.settle(c, t, w.loading(c.svc, c.svc.ShardName(int(t.Shard))+" has rejected the command for "+
			retry.Waited(t.Retries).String()))
	default:
		w.settle(c, t, tooManyRedirects)
	}
	if !c.closed {
		w.landed(c, t.Shard)
	}
}

var tooManyRedirects = resp.AppendError(nil,
	"TRYAGAIN evergate: too many redirections; the command was not executed")

// redirected reads the node that a MOVED or an ASK names; -1 where the view has none. Such a one is waited for: the
// report makes the keeper ask. ok is false where the reply is not worded as it should be.
func (w *Worker) redirected(l *upstream.Conn, reply []byte, kind retry.Kind, t *upstream.Pending,
) (target topology.NodeID, ok bool) {
	slot, addr, ok := topology.Redirection(string(reply[1:]))
	if !ok {
		return -1, false
	}
	s := w.services[l.Key.Service]
	if kind == retry.Moved {
		w.env.Report(s.Index, topology.Report{
			Kind: topology.Moved, Node: l.Key.Node, Shard: -1, Epoch: s.View.Epoch, Slot: slot, Addr: addr,
		})
	}
	t.Slot = int16(slot)
	if n := s.View.NodeNamed(addr, s.View.Node(l.Key.Node)); n != nil {
		return n.ID, true
	}
	return -1, true
}

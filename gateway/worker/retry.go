package worker

import (
	"bytes"

	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
)

// addRetry puts a request on its session's list of what is done first, in the order of the requests.
func (w *Worker) addRetry(c *client, t *upstream.Pending, frame []byte, a retry.Entry) {
	a.Seq, a.Part, a.Slot = t.Seq, t.Part, t.Slot
	a.Frame, a.Read = bytes.Clone(frame), t.Flags&upstream.Write == 0
	a.Shard, a.Flown, a.Cost = t.Shard, c.flightEpoch, t.Cost
	if c.svc.View != nil {
		a.Epoch = c.svc.View.Epoch
	}
	c.own().retries = c.retries.Insert(a)
	c.retryBegun = false
}

// recall returns a request that is on a lane to its session: the reply is for nobody.
func (w *Worker) recall(c *client, t *upstream.Pending, frame []byte, redirects uint8) {
	was := *t
	t.To.Generation = 0 // no client has it
	w.addRetry(c, &was, frame, retry.Entry{Target: -1, Redirects: redirects, Retries: was.Retries})
	w.landed(c, was.Shard)
}

// writesBehind says that a session has writes behind a refused request on the same lane.
func (w *Worker) writesBehind(c *client, l *upstream.Conn, refused *upstream.Pending) bool {
	for t := range l.Inflight.All {
		if t.To == c.ref && t.Flags&upstream.Write != 0 && retry.Later(t.Seq, refused.Seq) {
			return true
		}
	}
	return false
}

// takeReads takes the reads back that a session has behind a refused request on the same lane: answered there they
// would have overtaken it.
func (w *Worker) takeReads(c *client, l *upstream.Conn, refused *upstream.Pending) {
	sharded := c.svc.View.IsSharded()
	start := refused.End
	for t := range l.Inflight.All {
		from := start
		start = t.End
		if t.To == c.ref &&
			t.Flags&(upstream.Write|upstream.Quiet|upstream.Internal|upstream.Watched) == 0 &&
			(!sharded || t.Slot == refused.Slot || t.Slot < 0 || refused.Slot < 0) {
			w.recall(c, t, l.Queue.Frame(from, t.End), t.Redirects)
		}
	}
}

// takeBehind takes back the reads that a client has behind the reply under way, but for those before a write of its.
// What the server still answers to them is for nobody.
func (w *Worker) takeBehind(c *client, l *upstream.Conn) {
	front, start := l.Inflight.Front(), l.Queue.AnsweredTo()
	var tickets []*upstream.Pending
	var starts []uint64
	for t := range l.Inflight.All {
		from := start
		start = t.End
		switch {
		case t == front || !t.SameClient(front):
		case t.Flags&^upstream.Loaded != 0 || t.Ahead > 0:
			tickets, starts = tickets[:0], starts[:0]
		default:
			tickets, starts = append(tickets, t), append(starts, from)
		}
	}
	for i, t := range tickets {
		w.stats.DoneAgain++
		w.recall(c, t, l.Queue.Frame(starts[i], t.End), t.Redirects)
	}
}

// executed notes that a request was executed, or may have been, while earlier ones wait to be retried: those that
// it has overtaken can no longer be done in order.
func (w *Worker) executed(c *client, t *upstream.Pending, frame []byte) {
	sharded := c.svc.View.IsSharded()
	for i := range c.retries {
		a := &c.retries[i]
		if a.Overtaken || !retry.Later(t.Seq, a.Seq) || c.asksOnly(a) {
			continue
		}
		if sharded && (a.Slot >= 0 && t.Slot >= 0 && a.Slot != t.Slot || c.apart(a, t) || !retry.SharesKey(a.Frame, frame)) {
			continue
		}
		a.Overtaken = true
	}
}

// runRetries retries what must be, in order, deciding each anew. It returns false while something is left.
func (w *Worker) runRetries(c *client) bool {
	if len(c.flights) > 0 && !c.retryBegun {
		w.park(c, wait.InFlight)
		return false
	}
	for len(c.retries) > 0 && !c.closed {
		a := &c.retries[0]
		if a.Overtaken {
			w.stats.OutOfOrder++
			w.settle(c, &upstream.Pending{Seq: a.Seq, Part: a.Part}, overtaken(a))
		} else if w.owedTooMuch(c) {
			w.park(c, wait.OwedTooMuch)
			return false
		} else if answered, unknown := w.endedTwice(c, a); unknown {
			w.park(c, wait.Refused)
			w.clock.Alarm(c.ref, &c.Place, w.clock.Now+livesEvery)
			return false
		} else if !answered && !w.resend(c, a) {
			return false
		}
		if c.closed {
			return false
		}
		w.notHeld(c, &w.stats.HoldReleased)
		w.unpinUnused(c)
		c.retryBegun = true
		c.retries = c.retries[1:]
	}
	c.retries, c.retryBegun = nil, false
	return !c.closed
}

// resend sends one request to retry, or answers it. It returns false when the session was parked.
func (w *Worker) resend(c *client, a *retry.Entry) bool {
	if !a.Due(w.clock.Now, c.svc.View) {
		return w.retryLater(c, a)
	}
	if c.blockedSince == 0 && w.postponedRetry(c, a) { // what blocks may be over before the pause is
		return false
	}
	switch s := c.splitOf(a.Seq); {
	case s == nil:
	case s.spread != nil:
		return w.resendSpread(c, s)
	case s.walk != nil:
		return w.resendWalk(c, s, a)
	}
	w.args = resp.Args(a.Frame, w.args[:0])
	command := c.svc.catalog.Row(w.args)
	var d routing.Decision
	c.svc.catalog.Decide(&d, command, w.args, c.svc.View)
	switch {
	case d.Kind == routing.Transact: // WATCH is never retried
		return w.resendExec(c, a)
	case d.Kind == routing.Dedicate:
		return w.resendBlocking(c, a, command, &d)
	}
	if d.Kind == routing.Split && d.Counts && a.Part >= 0 && int(a.Part) < len(d.Parts) {
		// Every shard was asked the same.
		d = routing.Decision{Kind: routing.Forward, Shard: d.Parts[a.Part].Shard, Slot: -1, Counts: true, Safe: true}
	}
	if d.Kind == routing.Answer { // COMMAND, which any server may answer
		d = routing.Decision{Kind: routing.Forward, Safe: true, Shard: 0, Slot: -1}
	}
	if d.Reason == routing.Forbidden {
		w.settle(c, &upstream.Pending{Seq: a.Seq, Part: a.Part}, notElsewhere)
		return true
	}
	if d.Kind != routing.Forward {
		w.settle(c, &upstream.Pending{Seq: a.Seq, Part: a.Part}, tooManyRedirects)
		return true
	}
	d.Read = d.Read && !a.Primary
	r := request{
		seq: a.Seq, part: a.Part, slot: int16(d.Slot), redirects: a.Redirects, retries: a.Retries, cost: a.Cost,
		shard: d.Shard, read: d.Safe, frame: a.Frame, counts: d.Counts,
	}
	args := w.args
	l, why := w.chooseForRetry(c, a, &d)
	r.ask, r.foreign = a.Ask, a.Target >= 0
	if l == nil {
		return w.mayNotResend(c, a, d.Shard, why)
	}
	if body := w.missing(l, command, args); body != nil {
		r.load = [][]byte{body}
	} else if a.Load != nil {
		r.load = [][]byte{a.Load}
	}
	w.send(c, l, &r)
	return true
}

// overtaken answers a request that a later one of its session has overtaken.
func overtaken(a *retry.Entry) []byte {
	if len(a.Fallback) > 0 {
		return a.Fallback
	}
	return outOfOrder
}

func isLocal(c *routing.Command) bool { return c != nil && c.Has(routing.Local) }

// chooseForRetry finds the lane: that of the node which a redirection named, or the one the view says.
func (w *Worker) chooseForRetry(c *client, a *retry.Entry, d *routing.Decision) (*upstream.Conn, upstream.Obstacle) {
	with := c.company(len(a.Frame), a.Cost)
	if a.Target < 0 {
		return w.choose(c, d.Shard, d.Slot, d.Read, with)
	}
	n := c.svc.View.Node(a.Target)
	if n == nil || c.svc.View.Demoted(n.ID) != nil {
		a.Target, a.Ask = -1, false
		return w.choose(c, d.Shard, d.Slot, d.Read, with)
	}
	l, why := c.svc.Set(n, upstream.Primary, c.setup()).Take(with)
	if l == nil {
		return nil, why
	}
	for i := range c.flights {
		if c.flights[i].lane != l || c.flightEpoch != c.svc.View.Epoch {
			return nil, upstream.InFlight
		}
	}
	if l.Full() {
		return nil, upstream.Full
	}
	return l, upstream.Free
}

// retryLater parks a session until the first of its requests may be tried again.
func (w *Worker) retryLater(c *client, a *retry.Entry) bool {
	w.park(c, wait.Refused)
	w.clock.Alarm(c.ref, &c.Place, a.At)
	return false
}

// mayNotResend parks the session as mayNot does, but the place for the answer is already reserved.
func (w *Worker) mayNotResend(c *client, a *retry.Entry, shard int, why upstream.Obstacle) bool {
	refused := w.wait(c, shard, why)
	if refused == "" {
		return false
	}
	w.settle(c, &upstream.Pending{Seq: a.Seq, Part: a.Part}, w.notTaken(c.svc, shard, why, refused))
	return true
}

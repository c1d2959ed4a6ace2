package exchange

import (
	"bytes"
	"slices"

	"evergate/gateway/retry"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
)

// Retries are requests that are sent again.
type Retries struct{ x *Exchange }

// Retry puts a request on its session's list of what is done first, in the order of the requests.
func (r *Retries) Retry(c *Session, t *upstream.Pending, frame []byte, a retry.Entry) {
	a.Seq, a.Part, a.Slot = t.Seq, t.Part, t.Slot
	a.Frame, a.Read = bytes.Clone(frame), t.Flags&upstream.Write == 0
	a.Shard, a.Flown, a.Cost = t.Shard, c.inFlightEpoch, t.Cost
	if c.Service.View != nil {
		a.Epoch = c.Service.View.Epoch
	}
	c.own().retries = c.retries.Insert(a)
	c.retryBegun = false
}

// RetryAt puts a request on the list that has not been sent, in the order of the requests.
func (r *Retries) RetryAt(c *Session, a retry.Entry) {
	c.own().retries = c.retries.Insert(a)
	r.x.Wake(c) // where the reply before it was withheld, its flight has landed long ago
}

// RetryAll replaces the parts of the Composite that is retried first by so many: all of them are retried.
func (c *Session) RetryAll(parts int) {
	first := c.retries[0]
	c.forgetWithheld(first.Seq)
	rest := slices.DeleteFunc(c.retries, func(a retry.Entry) bool { return a.Seq == first.Seq })
	all := make(retry.Queue, parts, parts+len(rest))
	for i := range all {
		all[i] = first
		all[i].Part = int16(i)
	}
	c.own().retries = append(all, rest...)
}

// recall returns a request that is on a connection to its session: the reply is for nobody.
func (r *Retries) recall(c *Session, t *upstream.Pending, frame []byte, redirects uint8) {
	was := *t
	t.To.Generation = 0 // no client has it
	r.Retry(c, &was, frame, retry.Entry{Target: -1, Redirects: redirects, Retries: was.Retries})
	r.x.Landed(c, was.Shard)
}

// RunRetries retries what must be, in order, deciding each anew. It returns false while something is left.
func (r *Retries) RunRetries(c *Session) bool {
	if len(c.inFlight) > 0 && !c.retryBegun {
		r.x.Block(c, wait.InFlight)
		return false
	}
	for len(c.retries) > 0 && !c.closed {
		a := &c.retries[0]
		if a.Overtaken {
			r.x.totals.OutOfOrder++
			r.x.Settle(c, &upstream.Pending{Seq: a.Seq, Part: a.Part}, overtaken(a))
		} else if c.OwedTooMuch() {
			r.x.Block(c, wait.OwedTooMuch)
			return false
		} else if answered, unknown := r.endedTwice(c, a); unknown {
			r.x.Block(c, wait.Refused)
			r.x.clock.Alarm(c.Ref, &c.Place, r.x.clock.Now+livesEvery)
			return false
		} else if !answered && !r.x.conf.Verbs.Resend(c, a) {
			return false
		}
		if c.closed {
			return false
		}
		r.x.notHeld(c, &r.x.totals.HoldReleased)
		r.x.ReleaseUnused(c)
		c.retryBegun = true
		c.retries = c.retries[1:]
	}
	c.retries, c.retryBegun = nil, false
	return !c.closed
}

// ChooseForRetry finds the connection: that of the node which a redirection named, or the one the view says.
func (r *Retries) ChooseForRetry(c *Session, a *retry.Entry, d *routing.Decision) (*upstream.Conn, upstream.Obstacle) {
	with := c.Company(len(a.Frame), a.Cost)
	if a.Target < 0 {
		return r.x.Choose(c, d.Shard, d.Slot, d.Read, with)
	}
	n := c.Service.View.Node(a.Target)
	if n == nil || c.Service.View.Demoted(n.ID) != nil {
		a.Target, a.Ask = -1, false
		return r.x.Choose(c, d.Shard, d.Slot, d.Read, with)
	}
	l, why := c.Service.Set(n, upstream.Primary, c.Setup()).Take(with)
	if l == nil {
		return nil, why
	}
	for i := range c.inFlight {
		if c.inFlight[i].conn != l || c.inFlightEpoch != c.Service.View.Epoch {
			return nil, upstream.InFlight
		}
	}
	if l.Full() {
		return nil, upstream.Full
	}
	return l, upstream.Free
}

// RetryLater parks a session until the first of its requests may be tried again.
func (c *Session) RetryLater(a *retry.Entry) bool {
	c.Service.x.Block(c, wait.Refused)
	c.Service.x.clock.Alarm(c.Ref, &c.Place, a.At)
	return false
}

// StillUnavailable parks the session as mayNot does, but the place for the answer is already reserved.
func (r *Retries) StillUnavailable(c *Session, a *retry.Entry, shard int, why upstream.Obstacle) bool {
	refused := r.x.Await(c, shard, why)
	if refused == "" {
		return false
	}
	r.x.Settle(c, &upstream.Pending{Seq: a.Seq, Part: a.Part}, c.Service.NotTaken(shard, why, refused))
	return true
}

// NextRetry is the request to retry first. It is valid until the list changes.
func (c *Session) NextRetry() *retry.Entry { return &c.retries[0] }

// DropRetry takes it off the list: it has been answered otherwise.
func (c *Session) DropRetry() { c.retries, c.retryBegun = c.retries[1:], false }

// takeReads takes the reads back that a session has behind a refused request on the same connection: answered there
// they would have overtaken it.
func (r *Retries) takeReads(c *Session, l *upstream.Conn, refused *upstream.Pending) {
	sharded := c.Service.View.IsSharded()
	start := refused.End
	for t := range l.Inflight.All {
		from := start
		start = t.End
		if t.To == c.Ref &&
			t.Flags&(upstream.Write|upstream.Quiet|upstream.Internal|upstream.Watched) == 0 &&
			(!sharded || t.Slot == refused.Slot || t.Slot < 0 || refused.Slot < 0) {
			r.recall(c, t, l.Queue.Frame(from, t.End), t.Redirects)
		}
	}
}

// writesBehind says that a session has writes behind a refused request on the same connection.
func (c *Session) writesBehind(l *upstream.Conn, refused *upstream.Pending) bool {
	for t := range l.Inflight.All {
		if t.To == c.Ref && t.Flags&upstream.Write != 0 && retry.Later(t.Seq, refused.Seq) {
			return true
		}
	}
	return false
}

// takeBehind takes back the reads that a client has behind the reply under way, but for those before a write of its.
// What the server still answers to them is for nobody.
func (r *Retries) takeBehind(c *Session, l *upstream.Conn) {
	front, start := l.Inflight.Front(), l.Queue.AnsweredTo()
	var requests []*upstream.Pending
	var starts []uint64
	for t := range l.Inflight.All {
		from := start
		start = t.End
		switch {
		case t == front || !t.SameClient(front):
		case t.Flags&^upstream.Loaded != 0 || t.Ahead > 0:
			requests, starts = requests[:0], starts[:0]
		default:
			requests, starts = append(requests, t), append(starts, from)
		}
	}
	for i, t := range requests {
		r.x.totals.Retried++
		r.recall(c, t, l.Queue.Frame(starts[i], t.End), t.Redirects)
	}
}

// Executed notes that a request was executed, or may have been, while earlier ones wait to be retried: those that
// it has overtaken can no longer be done in order.
func (r *Retries) Executed(c *Session, t *upstream.Pending, frame []byte) {
	sharded := c.Service.View.IsSharded()
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

// Overtaken reports whether a request to retry can no longer be done in order.
func (c *Session) Overtaken(seq uint32) bool {
	return slices.ContainsFunc(c.retries, func(a retry.Entry) bool { return a.Seq == seq && a.Overtaken })
}

// overtaken answers a request that a later one of its session has overtaken.
func overtaken(a *retry.Entry) []byte {
	if len(a.Fallback) > 0 {
		return a.Fallback
	}
	return outOfOrder
}

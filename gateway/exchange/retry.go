package exchange

import (
	"bytes"

	"evergate/gateway/retry"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
)

// Retries sends the requests again that were sent and not executed, in the order of their session.
type Retries struct{ x *Exchange }

// Retry puts a request that was sent, or a part yet to be sent, on the list of its session, in the order of the
// requests; the list is done before anything new is read. t and frame, which is copied, are the request. a has what the
// next try depends on.
func (r *Retries) Retry(c *sessions.Session, t *upstream.Pending, frame []byte, a retry.Entry) {
	if c.Ending && t.Flags&upstream.Blocking != 0 {
		r.x.Settle(c, t, nil) // it waited for the reply to this command alone
		return
	}
	a.Seq, a.Part, a.Slot = t.Seq, t.Part, t.Slot
	a.Frame, a.Read = bytes.Clone(frame), t.Flags&upstream.Write == 0
	a.Shard, a.Flown, a.Cost = t.Shard, c.InFlightEpoch(), t.Cost
	a.Began, a.Command = uint32(t.Began), t.Command
	if c.Service.View != nil {
		a.Epoch = c.Service.View.Epoch
	}
	r.x.InsertRetry(c, a, true)
}

// RetryAt puts a request on the list that was not sent before. It takes the frame over.
func (r *Retries) RetryAt(c *sessions.Session, a retry.Entry) {
	r.x.InsertRetry(c, a, false)
	r.x.Wake(c) // nothing need be in flight whose reply would wake it
}

// recall retries a request that is still on a connection. The reply to it there is dropped.
func (r *Retries) recall(c *sessions.Session, t *upstream.Pending, frame []byte, redirects uint8) {
	was := *t
	t.Abandon()
	r.Retry(c, &was, frame, retry.Entry{Target: -1, Redirects: redirects, Retries: was.Retries})
	r.x.Landed(c, was.Shard)
}

// RunRetries retries what must be, in order; each request is decided anew. It returns false while something is left:
// the session is blocked then, or closed.
func (r *Retries) RunRetries(c *sessions.Session) bool {
	if c.InFlight() && !c.RetryBegun() {
		r.x.Block(c, wait.InFlight)
		return false
	}
	for c.Retrying() && !c.Closed() {
		a := c.NextRetry()
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
		if c.Closed() {
			return false
		}
		r.x.Resumed(c)
		r.x.ReleaseUnused(c)
		c.TookRetry()
	}
	c.EndRetries()
	return !c.Closed()
}

// ChooseForRetry returns the connection for a request to retry, or an obstacle: that to the node which a redirection
// named, or else what Choose returns for the decision and these keys. Where the view has that node no more a.Target is
// reset.
func (r *Retries) ChooseForRetry(c *sessions.Session, a *retry.Entry, d *routing.Decision, keys upstream.Keys,
) (*upstream.Conn, upstream.Obstacle) {
	with, use := c.Company(len(a.Frame), a.Cost), UseOf(d)
	if a.Target < 0 {
		return r.x.Choose(c, d.Shard, d.Slot, use, keys, with)
	}
	n := c.Service.View.Node(a.Target)
	if n == nil || c.Service.View.Demoted(n.ID) != nil {
		a.Unredirect()
		return r.x.Choose(c, d.Shard, d.Slot, use, keys, with)
	}
	set := c.Service.Set(n, upstream.Primary, c.Setup())
	if t := c.Acks(); use == Writes && t.Asked() {
		if c.Service.Lacks(c.Service.View.LedBy(n.ID), t.Level) {
			return nil, upstream.LacksReplicas
		}
		set = c.Service.AckedSet(n, c.Setup(), t)
	}
	l, why := set.Take(with)
	if l == nil {
		return nil, why
	}
	if c.InFlightUnder(c.Service.View.Epoch) || !c.InFlightOnly(l) {
		return nil, upstream.InFlight
	}
	if l.Full() {
		return nil, upstream.Full
	}
	return l, upstream.Free
}

// RetryLater blocks a session until the request that it retries first is due. It returns false.
func (r *Retries) RetryLater(c *sessions.Session, a *retry.Entry) bool {
	r.x.Block(c, wait.Refused)
	r.x.clock.Alarm(c.Ref, &c.Place, a.At)
	return false
}

// StillUnavailable is Unavailable for a request to retry, whose reply has its place already.
func (r *Retries) StillUnavailable(c *sessions.Session, a *retry.Entry, shard int, why upstream.Obstacle) bool {
	refused := r.x.Await(c, shard, why)
	if refused == "" {
		return false
	}
	r.x.Settle(c, &upstream.Pending{Seq: a.Seq, Part: a.Part}, c.Service.NotTaken(shard, why, refused))
	return true
}

// takeReads retries the reads that a session has behind a rejected request on the same connection: their replies would
// be of an order that the client did not ask for.
func (r *Retries) takeReads(c *sessions.Session, l *upstream.Conn, refused *upstream.Pending) {
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

// writesBehind reports whether a session has writes behind a rejected request on the same connection.
func writesBehind(c *sessions.Session, l *upstream.Conn, refused *upstream.Pending) bool {
	for t := range l.Inflight.All {
		if t.To == c.Ref && t.Flags&upstream.Write != 0 && retry.Later(t.Seq, refused.Seq) {
			return true
		}
	}
	return false
}

// HoldBack retries what a client was sent ahead on a connection, once it has read: half of what may be kept for it is
// kept, and the replies to come would have it closed.
func (r *Retries) HoldBack(c *sessions.Session, l *upstream.Conn) {
	if c.FillsUp() && c.InFlight() {
		r.takeBehind(c, l, false)
	}
}

// takeBehind retries the reads that a client has on a connection, except those before one of its writes, and the one
// whose reply is under way. The server's replies to them are dropped.
func (r *Retries) takeBehind(c *sessions.Session, l *upstream.Conn, underWay bool) {
	front, start := l.Inflight.Front(), l.Queue.AnsweredTo()
	var requests []*upstream.Pending
	var starts []uint64
	for t := range l.Inflight.All {
		from := start
		start = t.End
		switch {
		case underWay && t == front || t.To != c.Ref:
		case t.Flags&^upstream.Loaded != 0 || t.Ahead > 0:
			requests, starts = requests[:0], starts[:0]
		default:
			requests, starts = append(requests, t), append(starts, from)
		}
	}
	for i, t := range requests {
		r.x.countRetried(c)
		r.recall(c, t, l.Queue.Frame(starts[i], t.End), t.Redirects)
	}
}

// overtaken is the reply to a request that was overtaken.
func overtaken(a *retry.Entry) []byte {
	if len(a.Fallback) > 0 {
		return a.Fallback
	}
	return outOfOrder
}

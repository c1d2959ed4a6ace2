package exchange

import (
	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
)

// The requests of a lost connection are divided by arithmetic (upstream.Fate). One whose last byte the kernel never
// took was not executed, and a read that was sent does no harm: both are retried. A write that was sent may have been
// executed: it is answered so, and never sent again. The first bytes of a reply that the client has cannot be taken
// back: that client is closed.

// lostTooOften is the error for a read that was retried too often, or on which two connections ended.
var lostTooOften = resp.AppendError(nil,
	"ERR evergate: the connection to the server was lost while it answered; the command changed nothing")

// outOfOrder is the error for a request that could only be executed behind a later one of the same client.
var outOfOrder = resp.AppendError(nil,
	"TRYAGAIN evergate: the command was not executed, because a later one of this connection already was")

// LostRequest settles one request of a connection that ended. front: it was the oldest there, and may be why. Where its
// reply made no sense, or where it was retried too often, it is not retried.
func (x *Exchange) LostRequest(s *sessions.Service, l *upstream.Conn, r *upstream.Lost, front bool,
	why upstream.LostReason) {
	t := &r.Pending
	if t.Flags&upstream.Internal != 0 {
		x.conf.Verbs.Internal(l, t.Seq, nil)
		return
	}
	c := x.Session(t.To)
	if c == nil || t.Flags&upstream.Quiet != 0 {
		return
	}
	if t.Flags&upstream.Blocking != 0 {
		if x.clock.Now-l.OpenedAt >= upstream.SteadyAfter {
			t.Steady()
		} else {
			c.DedicateNotBefore(x.clock.Now + upstream.DedicatedRetry)
		}
	}
	switch {
	case front && l.Streams:
		x.Close(c, session.HalfReply)
		return
	case t.Flags&upstream.Watched != 0 && r.Fate != upstream.Uncertain:
		x.watchLost(c, t, r.Frame)
	case t.Flags&upstream.Blocking != 0 && r.Fate == upstream.Uncertain && why != upstream.Poisoned &&
		x.blockingLost(c, t, r.Frame):
	case r.Fate == upstream.Uncertain:
		x.CountUncertain(c.Service)
		x.Executed(c, t, r.Frame)
		x.Settle(c, t, uncertain(s, l))
	case r.Fate == upstream.OutOfOrder:
		x.totals.OutOfOrder++
		x.Settle(c, t, outOfOrder)
	case front && why == upstream.Poisoned && (l.Queue.Sent(t.End) || t.Redirects >= retry.RedirectsMax),
		t.Redirects >= retry.RedirectsMax && l.Queue.Sent(t.End):
		x.Settle(c, t, lostTooOften)
	default:
		var e retry.Ended
		if costs(l, r, front, why) {
			e = x.suspect(c, l, r)
		}
		x.retryLost(c, l, r, e)
	}
	if !c.Closed() {
		x.Landed(c, t.Shard)
	}
}

// suspect records that a connection may have ended on a request, and returns its end where it is the second one that
// shows so: the request was alone there. A server that closes all its connections, as one that is promoted does, shows
// nothing: so the second connection must have been dialled after the first one had ended.
func (x *Exchange) suspect(c *sessions.Session, l *upstream.Conn, r *upstream.Lost) (e retry.Ended) {
	t := &r.Pending
	if t.Cost == 0 {
		c.SuspectFrom(x.clock.Now)
	} else if l.Alone() && l.DialledAt >= c.SuspectSince() {
		e = retry.Ended{Node: l.Key.Node, RunID: l.RunID, At: max(x.clock.Now, 1), Sent: l.Queue.Sent(t.End)}
	}
	t.Suspect()
	return e
}

// retryLost retries a request of a lost connection.
func (x *Exchange) retryLost(c *sessions.Session, l *upstream.Conn, r *upstream.Lost, e retry.Ended) {
	x.countRetried(c)
	redirects := r.Pending.Redirects
	if l.Queue.Sent(r.Pending.End) {
		redirects++
	}
	x.Retry(c, &r.Pending, r.Frame, retry.Entry{Target: -1, Redirects: redirects, Retries: r.Pending.Retries, Ended: e})
}

// uncertain is the error for a write whose connection was lost after it was sent.
func uncertain(s *sessions.Service, l *upstream.Conn) []byte {
	text := "UNCERTAIN evergate: service '" + s.Name + "': the connection to " + s.NodeName(l.Key.Node)
	return resp.AppendError(nil, text+" was lost after the command was sent; it may or may not have been executed")
}

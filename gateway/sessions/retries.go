package sessions

import (
	"slices"

	"evergate/gateway/retry"
	"evergate/gateway/upstream"
)

// Retries are the requests of a session that were sent and not executed. They are sent again, in order, before anything
// new is read.

// Retries returns them; it is valid until they change, and changed by the methods below alone.
func (r *rare) Retries() retry.Queue { return r.retries }

// Retrying reports whether requests of the session must be retried before anything new is read.
func (r *rare) Retrying() bool { return len(r.retries) > 0 }

// InsertRetry puts a request on the list of a session, which keeps its Frame. sent: it was sent, and those on the list
// before are decided anew.
func (x *Sessions) InsertRetry(c *Session, a retry.Entry, sent bool) {
	c.own().retries = c.retries.Insert(a)
	c.retryBytes += len(a.Frame)
	x.Account(c)
	if sent {
		c.retryBegun = false
	}
}

// RetryAll puts all parts of the Composite that is retried first on the list, in place of those that are there. It has
// this many parts now.
func (c *Session) RetryAll(parts int) {
	c.forgetWithheld(c.retries[0].Seq)
	c.own().retries = c.retries.Restart(parts)
	c.retryBytes = c.retries.Bytes()
	c.Service.x.Account(c)
}

// NextRetry is the request to retry first; there must be one. It is valid until the list changes.
func (r *rare) NextRetry() *retry.Entry { return &r.retries[0] }

// DropRetry removes the request to retry first: it was answered otherwise.
func (r *rare) DropRetry() {
	r.TookRetry()
	r.retryBegun = false
}

// TookRetry removes the request to retry first: it was answered or sent, and the next one may be sent behind it.
func (r *rare) TookRetry() {
	r.retryBytes -= len(r.retries[0].Frame)
	r.retries = r.retries.DropFirst()
	r.retryBegun = true
}

// RetryBegun reports whether the first of the requests to retry was sent, so that the next ones may be sent behind it.
func (r *rare) RetryBegun() bool { return r.retryBegun }

// EndRetries records that nothing is left to retry.
func (r *rare) EndRetries() { r.retries, r.retryBegun = nil, false }

// Overtaken reports whether a part of a request to retry was overtaken.
func (r *rare) Overtaken(seq uint32) bool {
	return slices.ContainsFunc(r.retries, func(a retry.Entry) bool { return a.Seq == seq && a.Overtaken })
}

// Executed records that a request was executed, or may have been. Earlier requests of the session that wait to be
// retried, and may touch the same keys, are overtaken by it: they can no longer be executed in order.
func (x *Sessions) Executed(c *Session, t *upstream.Pending, frame []byte) {
	sharded := c.Service.View.IsSharded()
	for i := range c.retries {
		a := &c.retries[i]
		if a.Overtaken || !retry.Later(t.Seq, a.Seq) || c.asksOnly(a) {
			continue
		}
		if sharded && (a.Slot >= 0 && t.Slot >= 0 && a.Slot != t.Slot || c.apart(a, t) || !retry.SharesKey(a.Frame, frame)) {
			continue
		}
		a.Overtake()
	}
}

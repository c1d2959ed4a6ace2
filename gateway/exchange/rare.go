package exchange

import (
	"time"

	"evergate/gateway/downstream"
	"evergate/gateway/facade"
	"evergate/gateway/retry"
	"evergate/gateway/session"
	"evergate/gateway/upstream"
)

// rare is what most clients lack. Those share their service's empty one, so that it is read without looking whether it
// is there; own gives a client one to write to.
type rare struct {
	// retries are requests to retry, in order, before anything new is read.
	retries    retry.Queue
	composites []Composite
	// withheld are replies that wait for a verdict on their server.
	withheld *withheld
	// dedicated is the private lane of this session; pinAt is when another may be asked for.
	dedicated  *upstream.Conn
	dedicateAt time.Duration
	// leftBehind is the connection on which a blocking command was lost.
	leftBehind *leftBehind
	// Round is the WAIT under way in a cluster.
	Round *session.Round
	// blockedSince is when the blocking command under way began to wait; 0 without one.
	blockedSince time.Duration
	// carefulUntil: until then one request at a time is in flight for carefulSlot, that of the last ASK or TRYAGAIN.
	carefulSlot  int16
	carefulUntil time.Duration
	// Subs is what this session listens to. pushes are messages that wait behind a reply under way.
	Subs    *subscriber
	pushes  downstream.Output
	Listens *facade.Subscriptions // of a client of a Sentinel
}

// own returns the client's own rare, for anything but zero to be written to it.
func (c *Session) own() *rare {
	if c.rare == &c.Service.none {
		c.rare = &rare{}
	}
	return c.rare
}

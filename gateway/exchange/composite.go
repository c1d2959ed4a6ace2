package exchange

import (
	"slices"

	"evergate/gateway/retry"
	"evergate/gateway/upstream"
)

// Compose registers a Composite whose parts are under way.
func (c *Session) Compose(of Composite) { c.own().composites = append(c.composites, of) }

// Composed removes a Composite that has its reply.
func (c *Session) Composed(of Composite) {
	c.composites = slices.DeleteFunc(c.composites, func(other Composite) bool { return other == of })
}

// Composite returns the one whose reply has this place, or nil.
func (c *Session) Composite(seq uint32) Composite {
	for _, of := range c.composites {
		if of.Seq() == seq {
			return of
		}
	}
	return nil
}

// Composites returns those of the session that are under way. The slice is valid until one is added or removed.
func (c *Session) Composites() []Composite { return c.composites }

// asksOnly reports whether a request to retry is a query whose answer no later request of the session changes.
func (c *Session) asksOnly(a *retry.Entry) bool {
	of := c.Composite(a.Seq)
	return of != nil && of.OnlyAsks(a.Part)
}

// apart reports whether two requests that were sent under one view went to different shards, and one is a part that
// concerns its own shard alone.
func (c *Session) apart(a *retry.Entry, t *upstream.Pending) bool {
	if a.Flown != c.inFlightEpoch || a.Shard == t.Shard {
		return false
	}
	for _, seq := range [...]uint32{a.Seq, t.Seq} {
		if of := c.Composite(seq); of != nil && of.Apart() {
			return true
		}
	}
	return false
}

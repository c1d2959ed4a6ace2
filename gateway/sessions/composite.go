package sessions

import (
	"slices"

	"evergate/gateway/retry"
	"evergate/gateway/upstream"
)

// Composite is a request whose single reply is made of the replies to several parts, or to several steps. Its room
// registers it with Session.Compose, sends the parts with a Part, and gets their replies through Settle.
type Composite interface {
	// Seq is the place of its reply among those of the session.
	Seq() uint32
	// Take takes the reply to one part, which is valid during the call. With the last one it delivers its own reply.
	Take(c *Session, part int16, reply []byte)
	// Apart reports whether each part concerns its own shard alone, so that parts in other shards do not overtake it.
	Apart() bool
	// Size is how many bytes of replies it keeps, counted anew: Check compares that to the counters.
	Size() int
	// OnlyAsks reports whether a part is a query whose answer no later request of the session can change.
	OnlyAsks(part int16) bool
}

// Compose registers a Composite whose parts are under way.
func (c *Session) Compose(of Composite) { c.own().composites = append(c.composites, of) }

// Composed removes a Composite that has its reply.
func (r *rare) Composed(of Composite) {
	r.composites = slices.DeleteFunc(r.composites, func(other Composite) bool { return other == of })
}

// Composite returns the one whose reply has this place, or nil.
func (r *rare) Composite(seq uint32) Composite {
	for _, of := range r.composites {
		if of.Seq() == seq {
			return of
		}
	}
	return nil
}

// Composites returns those of the session that are under way. The slice is valid until one is added or removed.
func (r *rare) Composites() []Composite { return r.composites }

// asksOnly reports whether a request to retry is a query whose answer no later request of the session changes.
func (r *rare) asksOnly(a *retry.Entry) bool {
	of := r.Composite(a.Seq)
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

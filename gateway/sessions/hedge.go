package sessions

import (
	"slices"

	"evergate/gateway/upstream"
	"evergate/gateway/wait"
)

// Hedged returns what a session has in flight to a shard on two connections, or nil. It is valid until BeginHedge or
// EndHedge.
func (r *rare) Hedged(shard int16) *Hedge {
	for i := range r.hedges {
		if r.hedges[i].Shard == shard {
			return &r.hedges[i]
		}
	}
	return nil
}

// IsHedged reports whether it has anything.
func (r *rare) IsHedged(shard int) bool { return len(r.hedges) > 0 && r.Hedged(int16(shard)) != nil }

// HedgedReads is how many reads it has so, to all shards.
func (r *rare) HedgedReads() (n int) {
	for i := range r.hedges {
		n += r.hedges[i].N
	}
	return n
}

// BeginHedge records that what a session has in flight to a shard was sent on a second connection as well.
func (x *Sessions) BeginHedge(c *Session, h Hedge) {
	own := c.own()
	own.hedges = append(own.hedges, h)
}

// EndHedge ends that: the session goes on on this one of the two, and what waited for the decision may be sent there.
func (x *Sessions) EndHedge(c *Session, shard int16, on *upstream.Conn) {
	own := c.own()
	own.hedges = slices.DeleteFunc(own.hedges, func(h Hedge) bool { return h.Shard == shard })
	c.inFlightTo(int(shard)).conn = on
	if c.Reason == wait.InFlight {
		x.Wake(c)
	}
}

package exchange

import (
	"evergate/gateway/acks"
	"evergate/gateway/freshness"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/routing"
)

// Use is what a request does at its server.
type Use uint8

const (
	// Asks: it needs the primary, and changes no key.
	Asks Use = iota
	// Reads: a replica may serve it.
	Reads
	// Writes: it may change keys, which replicas confirm where that is set.
	Writes
)

// UseOf is the Use of a request that was decided as d: a Forward, a Split or a Broadcast.
func UseOf(d *routing.Decision) Use {
	switch {
	case d.Changes:
		return Writes
	case d.Read:
		return Reads
	}
	return Asks
}

// Choose returns the connection for a request to a shard (-1: of no shard), for the slot of its keys (-1: none). keys
// are those of a read, as KeysOf returns them. with limits what may share the connection. It returns nil and the
// obstacle where there is no connection now; Unavailable deals with that.
//
// A session uses one connection at a time for each shard. Before it moves to another one, all that it has in flight to
// that shard must be answered: otherwise a later request could overtake an earlier one.
func (x *Exchange) Choose(c *sessions.Session, shard, slot int, use Use, keys upstream.Keys, with upstream.Company,
) (*upstream.Conn, upstream.Obstacle) {
	if c.Service.View == nil {
		return nil, upstream.NoView
	}
	var r *upstream.Read
	if use == Reads && !c.Reading().OnPrimary() {
		r = x.readOf(c, shard, slot, keys)
	}
	var confirmed acks.Terms
	if use == Writes {
		if confirmed = c.Acks(); confirmed.Asked() && c.Service.Lacks(shard, confirmed.Level) {
			return nil, upstream.LacksReplicas
		}
	}
	l, why := x.choose(c, shard, slot, r, confirmed, with)
	if l != nil && l.Full() {
		return nil, upstream.Full
	}
	if l != nil && use == Reads && l.Key.Purpose != upstream.Replica && !c.Reading().OnPrimary() {
		c.Service.CountOnPrimary(x.read.Why)
	}
	return l, why
}

// readOf describes a read that replicas may serve; nil where its keys must be known, and are not.
func (x *Exchange) readOf(c *sessions.Session, shard, slot int, keys upstream.Keys) *upstream.Read {
	x.read = upstream.Read{
		Shard: shard, Slot: slot, Reading: c.Reading(), Keys: keys, Home: c.Home(), Why: freshness.KeysUnknown,
	}
	if x.read.Consistency == session.Gateway && len(keys) == 0 {
		return nil
	}
	return &x.read
}

// choose is Choose for a connection that may be full. read is nil for what only the primary serves. confirmed are the
// terms of a write that replicas must confirm.
func (x *Exchange) choose(c *sessions.Session, shard, slot int, read *upstream.Read, confirmed acks.Terms,
	with upstream.Company) (*upstream.Conn, upstream.Obstacle) {
	if c.InFlight() {
		if c.InFlightUnder(c.Service.View.Epoch) || c.Careful(slot, x.clock.Now) {
			return nil, upstream.InFlight
		}
		if l, foreign := c.InFlightTo(shard); l != nil {
			if l.Key.Purpose == upstream.Dedicated {
				with = upstream.Anybody
			}
			if foreign || c.IsHedged(shard) || l.Now != c.Setup() || !l.Continues(x.clock.Now, with) ||
				!x.fits(c, l, read, confirmed) {
				return nil, upstream.InFlight
			}
			return l, upstream.Free
		}
	}
	if c.Watch.Intact() && watchedIn(c, shard) {
		if x.DedicatedFits(c, shard) {
			x.read.ToPrimary(freshness.Pipelined)
			return c.Dedicated(), upstream.Free
		}
		x.Release(c)
	}
	if confirmed.Asked() {
		return c.Service.PickAcked(c.Setup(), shard, confirmed, with)
	}
	return c.Service.Pick(c.Setup(), shard, read, with)
}

// fits reports whether a session that has requests in flight on a connection may continue there, with a read or a
// write, which replicas confirm on these terms. Reads follow writes to the primary, except where the policy allows
// replicas only. Writes to confirm have connections of their own.
func (x *Exchange) fits(c *sessions.Session, l *upstream.Conn, read *upstream.Read, confirmed acks.Terms) bool {
	switch {
	case l.Key.Purpose == upstream.Replica:
		return read != nil && c.Service.Serves(l, read)
	case confirmed.Asked() && l.Key.Purpose != upstream.Dedicated && l.Key.Acks != confirmed:
		return false
	}
	if read != nil {
		read.ToPrimary(freshness.Pipelined)
	}
	return read == nil || read.From != session.OnlyReplica
}

// MayRead reports whether a read of a session may be sent on a connection that Choose has returned for another one of
// the same shard.
func (x *Exchange) MayRead(c *sessions.Session, l *upstream.Conn, shard, slot int, keys upstream.Keys) bool {
	if l.Key.Purpose != upstream.Replica {
		return true
	}
	r := x.readOf(c, shard, slot, keys)
	return r != nil && c.Service.Serves(l, r)
}

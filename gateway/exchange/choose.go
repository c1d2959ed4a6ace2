package exchange

import (
	"evergate/gateway/session"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
)

// Choose returns the connection for a request to a shard (-1: of no shard), for the slot of its keys (-1: none). read:
// a replica may serve it, and keys are then those that KeysOf returns. with limits what may share the connection. It
// returns nil and the obstacle where there is no connection now; Unavailable deals with that.
//
// A session uses one connection at a time for each shard. Before it moves to another one, all that it has in flight to
// that shard must be answered: otherwise a later request could overtake an earlier one.
func (x *Exchange) Choose(c *sessions.Session, shard, slot int, read bool, keys upstream.Keys, with upstream.Company,
) (*upstream.Conn, upstream.Obstacle) {
	if c.Service.View == nil {
		return nil, upstream.NoView
	}
	var r *upstream.Read
	if read && !c.Reading().OnPrimary() {
		r = x.readOf(c, shard, slot, keys)
	}
	l, why := x.choose(c, shard, slot, r, with)
	if l != nil && l.Full() {
		return nil, upstream.Full
	}
	if l != nil && read && l.Key.Purpose != upstream.Replica && !c.Reading().OnPrimary() {
		x.totals.ReadsOnPrimary[x.read.Why]++
	}
	return l, why
}

// readOf describes a read that replicas may serve; nil where its keys must be known, and are not.
func (x *Exchange) readOf(c *sessions.Session, shard, slot int, keys upstream.Keys) *upstream.Read {
	x.read = upstream.Read{
		Shard: shard, Slot: slot, Reading: c.Reading(), Keys: keys, Home: c.Home(), Why: upstream.KeysUnknown,
	}
	if x.read.Consistency == session.Gateway && len(keys) == 0 {
		return nil
	}
	return &x.read
}

// choose is Choose for a connection that may be full. read is nil for what only the primary serves.
func (x *Exchange) choose(c *sessions.Session, shard, slot int, read *upstream.Read, with upstream.Company,
) (*upstream.Conn, upstream.Obstacle) {
	if c.InFlight() {
		if c.InFlightUnder(c.Service.View.Epoch) || c.Careful(slot, x.clock.Now) {
			return nil, upstream.InFlight
		}
		if l, foreign := c.InFlightTo(shard); l != nil {
			if l.Key.Purpose == upstream.Dedicated {
				with = upstream.Anybody
			}
			if foreign || l.Now != c.Setup() || !l.Continues(x.clock.Now, with) || !x.fits(c, l, read) {
				return nil, upstream.InFlight
			}
			return l, upstream.Free
		}
	}
	if c.Watch.Intact() && watchedIn(c, shard) {
		if x.DedicatedFits(c, shard) {
			x.read.ToPrimary(upstream.Pipelined)
			return c.Dedicated(), upstream.Free
		}
		x.Release(c)
	}
	return c.Service.Pick(c.Setup(), shard, read, with)
}

// fits reports whether a session that has requests in flight on a connection may continue there, with a read or a
// write. Reads follow writes to the primary, except where the policy allows replicas only.
func (x *Exchange) fits(c *sessions.Session, l *upstream.Conn, read *upstream.Read) bool {
	if l.Key.Purpose == upstream.Replica {
		return read != nil && c.Service.Serves(l, read)
	}
	if read != nil {
		read.ToPrimary(upstream.Pipelined)
	}
	return read == nil || read.From != session.OnlyReplica
}

// Reads reports whether a read of a session may be sent on a connection that Choose has returned for another one of the
// same shard.
func (x *Exchange) Reads(c *sessions.Session, l *upstream.Conn, shard, slot int, keys upstream.Keys) bool {
	if l.Key.Purpose != upstream.Replica {
		return true
	}
	r := x.readOf(c, shard, slot, keys)
	return r != nil && c.Service.Serves(l, r)
}

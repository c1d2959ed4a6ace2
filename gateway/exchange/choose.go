package exchange

import (
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
)

// Choose returns the connection for a request to a shard (-1: of no shard), for the slot of its keys (-1: none). with
// limits what may share the connection. It returns nil and the obstacle where there is no connection now; Unavailable
// deals with that.
//
// A session uses one connection at a time for each shard. Before it moves to another one, all that it has in flight to
// that shard must be answered: otherwise a later request could overtake an earlier one.
func (x *Exchange) Choose(c *sessions.Session, shard, slot int, read bool, with upstream.Company) (*upstream.Conn,
	upstream.Obstacle) {
	if c.Service.View == nil {
		return nil, upstream.NoView
	}
	read = read && !c.Terms().OnPrimary
	if c.InFlight() {
		if c.InFlightUnder(c.Service.View.Epoch) || c.Careful(slot, x.clock.Now) {
			return nil, upstream.InFlight
		}
		if l, foreign := c.InFlightTo(shard); l != nil {
			if l.Key.Purpose == upstream.Dedicated {
				with = upstream.Anybody
			}
			if foreign || l.Now != c.Setup() || !l.Continues(x.clock.Now, with) || !fits(l.Key.Purpose, read,
				c.Service.Reads) {
				return nil, upstream.InFlight
			}
			if l.Full() {
				return nil, upstream.Full
			}
			return l, upstream.Free
		}
	}
	if c.Watch.Intact() && watchedIn(c, shard) {
		if x.DedicatedFits(c, shard) {
			return c.Dedicated(), upstream.Free
		}
		x.Release(c)
	}
	l, why := c.Service.Pick(c.Setup(), shard, read, with)
	if l != nil && l.Full() {
		return nil, upstream.Full
	}
	return l, why
}

// fits reports whether a session that has requests in flight on a connection of this purpose may continue there with a
// read or a write. Reads follow writes to the primary, except where the policy allows replicas only.
func fits(p upstream.Purpose, read bool, policy upstream.Reads) bool {
	if p == upstream.Replica {
		return read
	}
	return !read || policy != upstream.OnlyReplica
}

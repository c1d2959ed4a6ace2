package exchange

import "evergate/gateway/upstream"

// Choose finds the connection for a request. One connection at a time for each shard: to change it the session first
// lets its flight finish, so that no request overtakes another of the same session.
func (x *Exchange) Choose(c *Session, shard, slot int, read bool, with upstream.Company) (*upstream.Conn,
	upstream.Obstacle) {
	if c.Service.View == nil {
		return nil, upstream.NoView
	}
	if len(c.inFlight) > 0 {
		if c.inFlightEpoch != c.Service.View.Epoch {
			return nil, upstream.InFlight
		}
		if slot >= 0 && x.clock.Now < c.carefulUntil && int(c.carefulSlot) == slot {
			return nil, upstream.InFlight
		}
		if f := c.inFlightTo(shard); f != nil {
			l := f.conn
			if l.Key.Purpose == upstream.Dedicated {
				with = upstream.Anybody
			}
			if f.foreign || l.Now != c.Setup() || !l.Continues(x.clock.Now, with) || !fits(l.Key.Purpose, read,
				c.Service.Reads) {
				return nil, upstream.InFlight
			}
			if l.Full() {
				return nil, upstream.Full
			}
			return l, upstream.Free
		}
	}
	if c.Watch != nil && !c.Watch.Broken && c.watchedIn(shard) {
		if x.DedicatedFits(c, shard) {
			return c.dedicated, upstream.Free
		}
		x.Release(c)
	}
	l, why := c.Service.Pick(c.Setup(), shard, read, with)
	if l != nil && l.Full() {
		return nil, upstream.Full
	}
	return l, why
}

// fits says that a flight on a connection of this purpose may go on with a read or a write. Reads follow writes to the
// primary, except where the policy allows replicas alone.
func fits(p upstream.Purpose, read bool, policy upstream.Reads) bool {
	if p == upstream.Replica {
		return read
	}
	return !read || policy != upstream.OnlyReplica
}

package worker

import "evergate/gateway/upstream"

// choose finds the lane for a request. One lane at a time for each shard: to change it the session first lets its
// flight finish, so that no request overtakes another of the same session.
func (w *Worker) choose(c *client, shard, slot int, read bool, with upstream.Company) (*upstream.Conn,
	upstream.Obstacle) {
	if c.svc.View == nil {
		return nil, upstream.NoView
	}
	if len(c.flights) > 0 {
		if c.flightEpoch != c.svc.View.Epoch {
			return nil, upstream.InFlight
		}
		if slot >= 0 && w.clock.Now < c.carefulUntil && int(c.carefulSlot) == slot {
			return nil, upstream.InFlight
		}
		if f := c.flightOf(shard); f != nil {
			l := f.lane
			if l.Key.Purpose == upstream.Dedicated {
				with = upstream.Anybody
			}
			if f.foreign || l.Now != c.setup() || !l.Continues(w.clock.Now, with) || !fits(l.Key.Purpose, read, c.svc.Reads) {
				return nil, upstream.InFlight
			}
			if l.Full() {
				return nil, upstream.Full
			}
			return l, upstream.Free
		}
	}
	if c.Watch != nil && !c.Watch.Broken && w.watchedIn(c, shard) {
		if w.pinFits(c, shard) {
			return c.pin, upstream.Free
		}
		w.unpin(c)
	}
	l, why := c.svc.Pick(c.setup(), shard, read, with)
	if l != nil && l.Full() {
		return nil, upstream.Full
	}
	return l, why
}

// fits says that a flight on a lane of this purpose may go on with a read or a write. Reads follow writes to the
// primary, except where the policy allows replicas alone.
func fits(p upstream.Purpose, read bool, policy upstream.Reads) bool {
	if p == upstream.Replica {
		return read
	}
	return !read || policy != upstream.OnlyReplica
}

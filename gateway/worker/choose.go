package worker

import "evergate/gateway/backend"

// obstacle is why no lane could be chosen.
type obstacle uint8

const (
	free        obstacle = iota
	held                 // the shard has no primary
	noLane               // no lane to its primary can take it now
	soonLane             // there will be one in a moment
	noView               // nothing is known of the servers yet
	noReplica            // no lane to its replicas can, and the read policy leaves nobody else
	soonPrivate          // there will be a lane of the session's own in a moment
	noPrivate            // none can be had now
	noServer             // the read policy leaves no server at all
	inFlight             // earlier requests must be answered first
	laneFull             // the lane holds as much as it should
	runsScript           // its primary runs a script and takes nothing else
)

// choose finds the lane for a request. One lane at a time for each shard: to change it the session first lets its
// flight finish, so that no request overtakes another of the same session.
func (w *Worker) choose(c *client, shard, slot int, read bool, with backend.Company) (*backend.Lane, obstacle) {
	if c.svc.view == nil {
		return nil, noView
	}
	if len(c.flights) > 0 {
		if c.flightEpoch != c.svc.view.Epoch {
			return nil, inFlight
		}
		if slot >= 0 && w.clock.Now < c.carefulUntil && int(c.carefulSlot) == slot {
			return nil, inFlight
		}
		if f := c.flightOf(shard); f != nil {
			l := f.lane
			if l.Key.Purpose == backend.Private {
				with = backend.Anybody
			}
			if f.foreign || l.Now != c.setup() || !l.Continues(w.clock.Now, with) || !fits(l.Key.Purpose, read, c.svc.Reads) {
				return nil, inFlight
			}
			if l.Full() {
				return nil, laneFull
			}
			return l, free
		}
	}
	if c.Watch != nil && !c.Watch.Broken && w.watchedIn(c, shard) {
		if w.pinFits(c, shard) {
			return c.pin, free
		}
		w.unpin(c)
	}
	l, why := w.pick(c, shard, read, with)
	if l != nil && l.Full() {
		return nil, laneFull
	}
	return l, why
}

// fits says that a flight on a lane of this purpose may go on with a read or a write. Reads follow writes to the
// primary, except where the policy allows replicas alone.
func fits(p backend.Purpose, read bool, policy Reads) bool {
	if p == backend.Replica {
		return read
	}
	return !read || policy != OnlyReplica
}

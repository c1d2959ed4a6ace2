package worker

import (
	"slices"

	"evergate/gateway/backend"
	"evergate/topology"
)

// checkPrivate looks that lanes are numbered once, that a private lane belongs to nobody or to one session that knows
// it, and that what depends on a connection is on that one.
func (z *fuzzed) checkPrivate() {
	if free := slices.Concat(z.w.freeLane, z.w.freedLane[0], z.w.freedLane[1]); len(free) > 0 {
		slices.Sort(free)
		if len(slices.Compact(slices.Clone(free))) != len(free) {
			z.t.Fatalf("a lane's number is free twice: %v", free)
		}
	}
	for id, l := range z.w.lanes {
		if l == nil {
			continue
		}
		if int(l.ID) != id {
			z.t.Fatalf("lane %d stands in the place of %d", l.ID, id)
		}
		private := l.Key.Purpose == backend.Private
		for t := range l.Inflight.All {
			if t.Flags&(backend.Watched|backend.Blocking) != 0 && !private {
				z.t.Fatalf("lane %d is shared, and holds what needs a private one", l.ID)
			}
		}
		if !private {
			continue
		}
		owner := z.w.client(l.Owner)
		idle := slices.Contains(z.w.sets[l.Key].idle, l)
		switch {
		case l.Owned && (owner == nil || owner.pin != l), l.Owned && idle:
			z.t.Fatalf("lane %d belongs to a session that does not have it", l.ID)
		case idle && (l.Inflight.Len() > 0 || l.State != backend.Open):
			z.t.Fatalf("lane %d is for the next one, and is not clean", l.ID)
		case !l.Owned && !idle && !slices.Contains(z.w.parting, l):
			z.t.Fatalf("lane %d belongs to nobody and is not for the next one either", l.ID)
		}
	}
	for _, c := range z.w.clients {
		switch {
		case c == nil:
		case c.Ending && keptWaiting(c):
			z.t.Fatalf("client %d is to be closed, and a server keeps it waiting", c.ref.ID)
		case c.Watch != nil && !c.Watch.Broken && c.pin == nil:
			z.t.Fatalf("client %d watches nowhere", c.ref.ID)
		case c.pin != nil && z.w.lanes[c.pin.ID] != c.pin:
			z.t.Fatalf("client %d is pinned to a lane that is gone", c.ref.ID)
		case c.pin != nil && (c.Watch == nil || c.Watch.Broken) && c.pin.State == backend.Open && c.pin.Inflight.Len() == 0 &&
			c.Reason == 0 && len(c.retries) == 0 && !c.pin.Tunnel:
			z.t.Fatalf("client %d keeps a lane that it does not need", c.ref.ID)
		}
	}
	if err := z.w.clock.Check(len(z.w.clients)); err != nil {
		z.t.Fatal(err)
	}
}

// watcherLeaves has one client leave that watches keys or has a tunnel, if such have as many private lanes to a server
// as there may be: others wait for one.
func (z *fuzzed) watcherLeaves() {
	had := map[topology.NodeID]int{}
	for _, l := range z.w.lanes {
		if l == nil || l.Key.Purpose != backend.Private {
			continue
		}
		c := z.w.client(l.Owner)
		if c == nil || c.pin != l || c.Watch == nil && !l.Tunnel {
			continue
		}
		if had[l.Key.Node]++; had[l.Key.Node] >= z.w.conf.PrivateMax {
			z.w.ClientClosed(c.ref.ID)
			z.leave(c.ref.ID)
			return
		}
	}
}

// keptWaiting says that a client is within a blocking command that was sent.
func keptWaiting(c *client) bool {
	l, _, _ := blocksOn(c)
	return l != nil
}

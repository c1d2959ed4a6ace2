package worker

import (
	"slices"

	"evergate/gateway/backend"
)

// connections looks that they are numbered once, that what they hold is bounded, that a dedicated one belongs to nobody
// or to one session that knows it, and that what depends on a connection is on that one.
func (a *audit) connections() {
	w := a.w
	free := slices.Concat(w.freeLane, w.freedLane[0], w.freedLane[1])
	slices.Sort(free)
	if len(slices.Compact(slices.Clone(free))) != len(free) {
		a.wrong("a connection's number is free twice: %v", free)
	}
	for id, l := range w.lanes {
		if l == nil {
			continue
		}
		if _, isFree := slices.BinarySearch(free, backend.LaneID(id)); int(l.ID) != id || isFree {
			a.wrong("connection %d stands in the place of %d, free: %t", l.ID, id, isFree)
		}
		if l.Queue.Held() > 0 != (l.Inflight.Len() > 0) && !l.Tunnel {
			a.wrong("connection %d holds %d bytes for %d requests", l.ID, l.Queue.Held(), l.Inflight.Len())
		}
		if l.Inflight.Len() > backend.TicketsMax+8 || l.Queue.Held() > backend.HeldBytesMax+2*w.conf.QueryBytesMax {
			a.wrong("connection %d holds %d bytes, %d requests", l.ID, l.Queue.Held(), l.Inflight.Len())
		}
		a.sharing(l)
		a.settledBehind(l)
	}
}

// sharing looks who has a connection.
func (a *audit) sharing(l *backend.Lane) {
	w := a.w
	private := l.Key.Purpose == backend.Private
	for t := range l.Inflight.All {
		if t.Flags&(backend.Watched|backend.Blocking) != 0 && !private {
			a.wrong("connection %d is shared, and holds what needs a dedicated one", l.ID)
		}
	}
	if !private {
		return
	}
	owner := w.client(l.Owner)
	idle := slices.Contains(w.sets[l.Key].idle, l)
	switch {
	case l.Owned && (owner == nil || owner.pin != l), l.Owned && idle:
		a.wrong("connection %d belongs to a session that does not have it", l.ID)
	case idle && (l.Inflight.Len() > 0 || l.State != backend.Open):
		a.wrong("connection %d is for the next session, and is not clean", l.ID)
	case !l.Owned && !idle && !slices.Contains(w.parting, l):
		a.wrong("connection %d belongs to nobody, and is not for the next session either", l.ID)
	}
}

// settledBehind looks that no connection to a demoted primary owes anything when it was said that none does.
func (a *audit) settledBehind(l *backend.Lane) {
	s := a.w.services[l.Key.Service]
	if s.view != nil && s.settled == s.view.Epoch && l.Key.Purpose == backend.Primary && l.Inflight.Len() > 0 &&
		s.view.Demoted(l.Key.Node) != nil {
		a.wrong("view %d was left behind, and connection %d owes %d replies", s.settled, l.ID, l.Inflight.Len())
	}
}

// deadlines looks that the next round begins no later than whatever is due first.
func (a *audit) deadlines() {
	w := a.w
	due := func(what string, at int64) {
		if next := int64(w.clock.Next()); next > max(at, int64(w.clock.Now)) {
			a.wrong("%s is due at %d, and the next round is at %d", what, at, next)
		}
	}
	for _, s := range w.services {
		for i := range s.holds {
			if at, waits := s.holds[i].Next(); waits {
				due("the end of a wait for a primary", int64(at))
			}
		}
		if s.feedAt > 0 {
			due("a subscription", int64(s.feedAt))
		}
		if !s.full.Empty() {
			due("a full connection", int64(w.clock.Now+laneFullRetry))
		}
		for _, who := range s.withholding {
			if c := w.client(who); c != nil && c.withheld != nil {
				due("a withheld reply", int64(c.withheld.replies[0].since+c.patience()))
			}
		}
	}
	if len(w.gathered) > 0 {
		due("a gathered message", int64(w.gatheredAt+gatherFor))
	}
	if w.endings > 0 || w.open > 0 && w.conf.IdleMax > 0 {
		due("the sweep of clients", int64(w.sweepAt))
	}
	for _, l := range w.lanes {
		if l != nil {
			a.deadlinesOf(l, due)
		}
	}
}

func (a *audit) deadlinesOf(l *backend.Lane, due func(what string, at int64)) {
	w := a.w
	switch {
	case l.State == backend.Waiting:
		due("a dial", int64(l.RedialAt))
	case l.State != backend.Open:
		return
	}
	if l.RefusingUntil > 0 {
		due("the end of a rejection", int64(l.RefusingUntil))
	}
	if l.Retiring {
		due("the end of a draining connection", int64(l.RetireAt))
	}
	if l.WriteAt > 0 && !l.Dirty && !l.Retiring && !l.Slicing() && l.Queue.Pending() > 0 {
		due("a coalesced write", int64(l.WriteAt))
	}
	if l.Paused && !l.Tunnel {
		due("a stopped connection", int64(w.clock.Now+stallGrace))
	}
}

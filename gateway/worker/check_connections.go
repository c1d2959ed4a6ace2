package worker

import (
	"time"

	"evergate/gateway/upstream"
)

// connections asks the pool, and looks that a dedicated one has one session that knows it.
func (a *audit) connections() {
	w := a.w
	a.room("upstream", w.pool.Check(w.conf.QueryBytesMax))
	for l := range w.pool.All {
		if owner := w.client(l.Owner); l.Key.Purpose == upstream.Dedicated && l.Owned && (owner == nil || owner.pin != l) {
			a.wrong("connection %d belongs to a session that does not have it", l.ID)
		}
	}
}

// deadlines looks that the next round begins no later than whatever is due first.
func (a *audit) deadlines() {
	w := a.w
	due := func(what string, at time.Duration) {
		if next := w.clock.Next(); next > max(at, w.clock.Now) {
			a.wrong("%s is due at %d, and the next round is at %d", what, at, next)
		}
	}
	for _, s := range w.services {
		for i := range s.holds {
			if at, waits := s.holds[i].Next(); waits {
				due("the end of a wait for a primary", at)
			}
		}
		if at := s.Deadline(); at > 0 {
			due("a subscription", at)
		}
		if !s.full.Empty() {
			due("a full connection", w.clock.Now+upstream.FullRetry)
		}
		for _, who := range s.withholding {
			if c := w.client(who); c != nil && c.withheld != nil {
				due("a withheld reply", c.withheld.replies[0].since+c.patience())
			}
		}
	}
	if len(w.gathered) > 0 {
		due("a gathered message", w.gatheredAt+gatherFor)
	}
	if w.endings > 0 || w.open > 0 && w.conf.IdleMax > 0 {
		due("the sweep of clients", w.sweepAt)
	}
	w.pool.Deadlines(due)
	for l := range w.pool.All {
		if l.State == upstream.Open && l.Paused && !l.Tunnel {
			due("a stopped connection", w.clock.Now+stallGrace)
		}
	}
}

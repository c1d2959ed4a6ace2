package worker

import (
	"time"

	"evergate/gateway/upstream"
)

// connections asks the pool, and looks that a dedicated one has one session that knows it.
func (a *look) connections() {
	w := a.w
	a.room("upstream", w.pool.Check(w.conf.QueryBytesMax))
	for l := range w.pool.All {
		if owner := w.x.Session(l.Owner); l.Key.Purpose == upstream.Dedicated && l.Owned && (owner == nil ||
			owner.Dedicated() != l) {
			a.wrong("connection %d belongs to a session that does not have it", l.ID)
		}
		for t := range l.Inflight.All {
			if c := w.x.Session(t.To); c != nil && c.Service.Index != l.Key.Service {
				a.wrong("connection %d, of the user %v, has a request of client %d, of another", l.ID,
					w.services[l.Key.Service].As, t.To.ID)
			}
		}
	}
}

// marks looks that all writes that are marked as in flight are somewhere.
func (a *look) marks() {
	w := a.w
	a.room("upstream", w.pool.CheckMarks(func(yield func(*upstream.Servers, upstream.Mark) bool) {
		for c := range w.x.All {
			for mark := range c.WithheldMarks {
				yield(c.Service.Servers, mark)
			}
		}
	}))
}

// deadlines looks that the next round begins no later than whatever is due first.
func (a *look) deadlines() {
	w := a.w
	due := func(what string, at time.Duration) {
		if next := w.clock.Next(); next > max(at, w.clock.Now) {
			a.wrong("%s is due at %d, and the next round is at %d", what, at, next)
		}
	}
	for s := range w.services.All {
		if at := s.Deadline(); at > 0 {
			due("a subscription", at)
		}
	}
	w.x.Deadlines(due)
	w.pool.Deadlines(due)
	w.throttle.Deadlines(due)
}

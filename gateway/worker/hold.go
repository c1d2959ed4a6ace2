package worker

import (
	"evergate/gateway/session"
)

// park makes a session wait for something of its own: its flight, its lane, its replies. It is woken where that
// changes.
func (w *Worker) park(c *client, why session.ParkReason) {
	c.Parked = why
	w.stats.ParkedFor[why]++
	if why == session.LaneFull {
		w.at(w.now + laneFullRetry)
		c.svc.full = append(c.svc.full, c.waiter())
	}
}

// parkIn makes a session wait until its shard has a server that can take the request in front. It returns false when
// the request has waited for its window, or another has in this hold: then it is refused.
func (w *Worker) parkIn(c *client, shard int) bool {
	h := c.svc.hold(shard)
	if c.WaitsSince == 0 {
		c.WaitsSince = max(w.now, 1)
	}
	if h.Expired() || w.now-c.WaitsSince >= w.conf.HoldMax {
		return false
	}
	c.Parked = session.NoPrimary
	w.stats.ParkedFor[session.NoPrimary]++
	h.Park(c.waiter(), c.WaitsSince, w.now)
	w.at(c.WaitsSince + w.conf.HoldMax)
	return true
}

// wakeFull lets the sessions that wait for a full lane try again.
func (w *Worker) wakeFull(s *service) {
	w.wakeAll(s.full)
	s.full = s.full[:0]
}

// wakeHeld lets all sessions that wait for a shard of a service try again.
func (w *Worker) wakeHeld(s *service) {
	for i := range s.holds {
		w.wakeAll(s.holds[i].Wake(nil))
	}
}

// releaseHeld ends the holds of a service: there is news, everything is decided again.
func (w *Worker) releaseHeld(s *service) {
	for i := range s.holds {
		woken, lasted := s.holds[i].Release(w.now, nil)
		if lasted > 0 {
			w.stats.HoldsEnded++
		}
		w.wakeAll(woken)
	}
}

// expireHeld wakes the sessions whose window has run out: their requests are refused when they run.
func (w *Worker) expireHeld(s *service) {
	for i := range s.holds {
		h := &s.holds[i]
		w.wakeAll(h.Expire(w.now, w.conf.HoldMax, nil))
		if at, ok := h.Next(w.conf.HoldMax); ok {
			w.at(at)
		}
	}
}

func (w *Worker) wakeAll(waiters []holdWaiter) {
	for _, who := range waiters {
		if c := w.client(who.Session, who.Generation); c != nil && c.Parked != session.Running {
			w.wake(c)
		}
	}
}

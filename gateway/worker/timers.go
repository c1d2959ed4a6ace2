package worker

import (
	"time"

	"evergate/gateway/backend"
	"evergate/gateway/session"
)

// sweepEvery is how often clients are looked through for those that are idle.
const sweepEvery = time.Second

// endingMax is how long a client that is to be closed, or has half-closed, may go without taking what it is owed.
const endingMax = 30 * time.Second

// timers does what is due, and finds when to look again. There are few lanes and rarely a hold, so all of them are
// looked at; a heap would be worth it with thousands of lanes.
func (w *Worker) timers() {
	w.nextTimer = never
	for _, s := range w.services {
		w.expireHeld(s)
		w.judge(s, s.view)
		w.dropIdle(s)
		w.feedsAgain(s)
		if len(s.full) > 0 {
			w.wakeFull(s)
		}
	}
	w.keepAppointments(w.now)
	for _, l := range w.lanes {
		if l != nil {
			w.laneTimer(l)
		}
	}
	w.sweep()
}

// runAt has a parked session run again at the time at, if nothing wakes it before.
func (w *Worker) runAt(c *client, at time.Duration) {
	if c.alarm > 0 && c.alarm <= at {
		return // it looks again before that
	}
	c.alarm = at
	w.later = append(w.later, appointment{c.ref, at})
	w.at(at)
}

// keepAppointments wakes the sessions whose time has come until now.
func (w *Worker) keepAppointments(now time.Duration) {
	kept := w.later[:0]
	for _, a := range w.later {
		c := w.client(a.who)
		switch {
		case c == nil || c.alarm != a.at: // it has left, or has an earlier one
		case a.at > now:
			kept = append(kept, a)
			w.at(a.at)
		default:
			c.alarm = 0
			if c.Parked != session.Running {
				w.wake(c)
			}
		}
	}
	w.later = kept
}

func (w *Worker) laneTimer(l *backend.Lane) {
	switch l.State {
	case backend.Dialing:
		if w.now < l.DialledAt+dialGrace {
			w.at(l.DialledAt + dialGrace)
		} else if l.Attempts == 0 {
			l.Attempts = 1 // it takes long: reads go elsewhere
			w.wakeHeld(w.services[l.Key.Service])
		}
	case backend.Waiting:
		if w.now >= l.RedialAt {
			w.dial(l)
		} else {
			w.at(l.RedialAt)
		}
	case backend.Open:
		w.openLaneTimer(l)
	}
}

func (w *Worker) openLaneTimer(l *backend.Lane) {
	w.listen(l)
	if l.Slicing() || l.WriteAt > 0 {
		w.dirtyLane(l)
	}
	if l.RefusingUntil > 0 {
		if w.now >= l.RefusingUntil {
			l.RefusingUntil = 0
			w.releaseHeld(w.services[l.Key.Service])
		} else {
			w.at(l.RefusingUntil)
		}
	}
	if l.Paused {
		if w.mayStop(l) {
			w.at(w.now + stallGrace)
		} else {
			w.readLane(l, true)
		}
	}
	if l.Retiring {
		if w.now < l.RetireAt {
			w.at(l.RetireAt)
		} else {
			w.laneLost(l, backend.Retired)
			return
		}
	}
	if l.Key.Purpose == backend.Feed {
		w.feedTimer(l)
		return
	}
	if set := w.sets[l.Key]; !l.Owned && (l.Key.Purpose == backend.Private || len(set.lanes) > 1 && set.lanes[0] != l) {
		if idleAt := l.UsedAt + idleLane; l.Inflight.Len() == 0 && w.now >= idleAt {
			w.removeLane(l, backend.Idle)
		} else {
			w.at(max(idleAt, w.now+time.Second))
		}
	}
}

// sweep closes clients that were idle or unauthenticated for too long.
func (w *Worker) sweep() {
	if w.conf.IdleMax == 0 && w.conf.AuthMax == 0 && w.endings == 0 || w.open == 0 {
		return
	}
	if w.now < w.sweepAt {
		w.at(w.sweepAt)
		return
	}
	w.sweepAt = w.now + sweepEvery
	w.at(w.sweepAt)
	for _, c := range w.clients {
		switch {
		case c == nil:
		case (c.Ending || c.HalfClosed) && w.now-max(c.ActiveAt, c.tookAt) >= endingMax:
			w.close(c, c.Why) // session.ClientLeft where it has half-closed
		case !c.Authenticated && w.conf.AuthMax > 0 && w.now-c.OpenedAt >= w.conf.AuthMax && c.Parked != session.Postponed:
			w.close(c, session.AuthTimeout)
		case w.conf.IdleMax > 0 && w.now-max(c.ActiveAt, c.tookAt) >= w.conf.IdleMax && c.idles() && !c.listensOn():
			w.close(c, session.IdleTimeout)
		}
	}
}

// Drain ends the clients at a command boundary: what they sent is finished, nothing more is read. It returns how many
// are left; call it again until there are none.
func (w *Worker) Drain() int {
	for _, c := range w.clients {
		switch {
		case c == nil:
		case w.isBlocked(c) && c.withheld == nil:
			w.close(c, session.Drained)
		case (c.Parked == session.Running || c.Parked == session.Postponed) && len(c.again) == 0:
			w.end(c, session.Drained)
		}
	}
	return w.open
}

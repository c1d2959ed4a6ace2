package worker

import (
	"time"

	"evergate/gateway/backend"
	"evergate/gateway/session"
	"evergate/gateway/wait"
)

// sweepEvery is how often clients are looked through for those that are idle.
const sweepEvery = time.Second

// endingMax is how long a client that is to be closed, or has half-closed, may go without taking what it is owed.
const endingMax = 30 * time.Second

// timers does what is due, and finds when to look again. There are few lanes and rarely a hold, so all of them are
// looked at; a heap would be worth it with thousands of lanes.
func (w *Worker) timers() {
	for _, s := range w.services {
		w.expireHeld(s)
		w.judge(s, s.view)
		w.dropIdle(s)
		w.feedsAgain(s)
		w.tellScript(s)
		if !s.full.Empty() {
			w.wakeFull(s)
		}
	}
	w.clock.Ring(w.clock.Now, w.placeOf)
	for _, l := range w.lanes {
		if l != nil {
			w.laneTimer(l)
		}
	}
	w.sweep()
}

func (w *Worker) laneTimer(l *backend.Lane) {
	switch l.State {
	case backend.Dialing:
		if w.clock.Now < l.DialledAt+dialGrace {
			w.clock.At(l.DialledAt + dialGrace)
		} else if l.Attempts == 0 {
			l.Attempts = 1 // it takes long: reads go elsewhere
			w.wakeHeld(w.services[l.Key.Service])
		}
	case backend.Waiting:
		if w.clock.Now >= l.RedialAt {
			w.dial(l)
		} else {
			w.clock.At(l.RedialAt)
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
		if w.clock.Now >= l.RefusingUntil {
			l.RefusingUntil = 0
			w.releaseHeld(w.services[l.Key.Service])
		} else {
			w.clock.At(l.RefusingUntil)
		}
	}
	if l.Paused {
		if w.mayStop(l) {
			w.clock.At(w.clock.Now + stallGrace)
		} else {
			w.readLane(l, true)
		}
	}
	if l.Retiring {
		if w.clock.Now < l.RetireAt {
			w.clock.At(l.RetireAt)
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
		if idleAt := l.UsedAt + idleLane; l.Inflight.Len() == 0 && w.clock.Now >= idleAt {
			w.removeLane(l, backend.Idle)
		} else {
			w.clock.At(max(idleAt, w.clock.Now+time.Second))
		}
	}
}

// sweep closes clients that were idle or unauthenticated for too long.
func (w *Worker) sweep() {
	if w.conf.IdleMax == 0 && w.conf.AuthMax == 0 && w.endings == 0 || w.open == 0 {
		return
	}
	if w.clock.Now < w.sweepAt {
		w.clock.At(w.sweepAt)
		return
	}
	w.sweepAt = w.clock.Now + sweepEvery
	w.clock.At(w.sweepAt)
	for _, c := range w.clients {
		switch {
		case c == nil:
		case (c.Ending || c.HalfClosed) && w.clock.Now-max(c.ActiveAt, c.tookAt) >= endingMax:
			w.close(c, c.Why) // session.ClientLeft where it has half-closed
		case !c.Authenticated && w.conf.AuthMax > 0 && w.clock.Now-c.OpenedAt >= w.conf.AuthMax && c.Reason != wait.Paused:
			w.close(c, session.AuthTimeout)
		case w.conf.IdleMax > 0 && w.clock.Now-max(c.ActiveAt, c.tookAt) >= w.conf.IdleMax && c.idles() && !c.listensOn():
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
		case (c.Reason == wait.Running || c.Reason == wait.Paused) && len(c.retries) == 0:
			w.end(c, session.Drained)
		}
	}
	return w.open
}

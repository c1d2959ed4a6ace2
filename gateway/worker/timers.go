package worker

import (
	"time"

	"evergate/gateway/session"
	"evergate/gateway/wait"
)

// sweepEvery is how often clients are looked through for those that are idle.
const sweepEvery = time.Second

// endingMax is how long a client that is to be closed, or has half-closed, may go without taking what it is owed.
const endingMax = 30 * time.Second

// timers does what is due, and finds when to look again.
func (w *Worker) timers() {
	for _, s := range w.services {
		w.expireHeld(s)
		w.judge(s, s.View)
		s.DropIdle()
		s.Due()
		w.tellScript(s)
		if !s.full.Empty() {
			w.wakeFull(s)
		}
	}
	w.clock.Ring(w.clock.Now, w.placeOf)
	w.pool.Due()
	w.sweep()
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
			if c.Output.Len() == 0 { // what was answered before is still to be taken
				w.close(c, session.Drained)
			}
		case (c.Reason == wait.Running || c.Reason == wait.Paused) && len(c.retries) == 0:
			w.end(c, session.Drained)
		}
	}
	return w.open
}

package worker

import (
	"time"

	"evergate/gateway/session"
	"evergate/gateway/wait"
)

// trimEvery is how often blocks that nobody needs are given back, half of them each time.
const trimEvery = time.Second

// NextTimer is when the next round must begin even if nothing happens; at once when the last one left work.
func (w *Worker) NextTimer() time.Duration {
	if !w.clock.Idle() || !w.pool.Idle() || !w.x.Idle() {
		return 0
	}
	if w.trimAt == wait.Never && w.blocks.Kept() > 0 {
		w.trimAt = w.clock.Now + trimEvery
	}
	return min(w.clock.Next(), w.trimAt)
}

// timers does what is due, and finds when something is due next.
func (w *Worker) timers() {
	for s := range w.services.All {
		s.Service.ExpireHeld()
		w.x.Judge(s.Service, s.View)
		s.DropIdle(s.Awaited())
		s.Due()
		if s.As == nil {
			w.x.ReportScript(s.Service)
		}
		s.Service.WakeFull()
	}
	(*users)(w).drop()
	w.clock.Ring(w.clock.Now, w.x.PlaceOf)
	w.pool.Due()
	w.throttle.Due()
	w.x.Sweep()
}

// Drain closes the clients between two commands: what was begun is finished, nothing more is read. It returns how many
// are left; it must be called again until there are none.
func (w *Worker) Drain() int {
	for c := range w.x.All {
		switch {
		case c.AwaitsBlocking() && !c.Withholds():
			if c.Output.Len() == 0 { // the replies before it are still to be written
				w.x.Close(c, session.Drained)
			}
		case mayDrain(c.Reason) && !c.Retrying():
			w.x.End(c, session.Drained)
		}
	}
	return w.x.Clients()
}

// mayDrain reports whether nothing of a session is under way that waits for this reason.
func mayDrain(why wait.Reason) bool {
	switch why {
	case wait.Running, wait.Paused, wait.Slowed, wait.RateLimited:
		return true
	}
	return false
}

package worker

import (
	"evergate/gateway/session"
	"evergate/gateway/wait"
)

// timers does what is due, and finds when to look again.
func (w *Worker) timers() {
	for _, s := range w.services {
		s.Service.ExpireHeld()
		s.Service.Judge(s.View)
		s.DropIdle()
		s.Due()
		w.tellScript(s)
		s.Service.WakeFull()
	}
	w.clock.Ring(w.clock.Now, w.PlaceOf)
	w.pool.Due()
	w.Sweep()
}

// Drain ends the clients at a command boundary: what they sent is finished, nothing more is read. It returns how many
// are left; call it again until there are none.
func (w *Worker) Drain() int {
	for c := range w.All {
		switch {
		case c.IsBlocked() && !c.Withholds():
			if c.Output.Len() == 0 { // what was answered before is still to be taken
				w.Close(c, session.Drained)
			}
		case (c.Reason == wait.Running || c.Reason == wait.Paused) && !c.Retrying():
			w.End(c, session.Drained)
		}
	}
	return w.Clients()
}

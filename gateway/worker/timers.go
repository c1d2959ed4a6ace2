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
		w.x.TellScript(s.Service)
		s.Service.WakeFull()
	}
	w.clock.Ring(w.clock.Now, w.x.PlaceOf)
	w.pool.Due()
	w.x.Sweep()
}

// Drain ends the clients at a command boundary: what they sent is finished, nothing more is read. It returns how many
// are left; call it again until there are none.
func (w *Worker) Drain() int {
	for c := range w.x.All {
		switch {
		case c.IsBlocked() && !c.Withholds():
			if c.Output.Len() == 0 { // what was answered before is still to be taken
				w.x.Close(c, session.Drained)
			}
		case (c.Reason == wait.Running || c.Reason == wait.Paused) && !c.Retrying():
			w.x.End(c, session.Drained)
		}
	}
	return w.x.Clients()
}

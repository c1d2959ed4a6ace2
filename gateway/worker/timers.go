package worker

import (
	"time"

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
		w.notices.Look(s.Service)
	}
	w.notices.Report()
	w.notices.Due()
	(*users)(w).drop()
	w.clock.Ring(w.clock.Now, w.x.PlaceOf)
	w.pool.Due()
	w.throttle.Due()
	w.x.Sweep()
}

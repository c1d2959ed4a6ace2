package worker

import (
	"evergate/gateway/wait"
	"evergate/topology"
)

// viewChanged takes a new view: routes are made anew, connections that no route needs any more are retired, and
// sessions that wait decide again.
func (w *Worker) viewChanged(s *service, v *topology.View) {
	old := s.View
	s.View = v
	s.Service.MoveHolds(old)
	w.clock.Ring(wait.Never, w.x.PlaceOf)
	s.Renew()
	s.Service.Usable()
	s.TakeTimes()
	s.NoteSwitches(old)
	s.Service.Judge(old)
	s.Leave(old)
	s.Follow()
}

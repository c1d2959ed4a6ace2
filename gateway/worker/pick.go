package worker

import (
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/topology"
)

// setup is how the connections must be set up that serve a session.
func (c *client) setup() upstream.Setup { return upstream.Setup{Proto: c.Proto, DB: c.DB} }

// viewChanged takes a new view: routes are made anew, connections that no route needs any more are retired, and
// sessions that wait decide again.
func (w *Worker) viewChanged(s *service, v *topology.View) {
	old := s.View
	s.View = v
	w.moveHolds(s, old)
	w.clock.Ring(wait.Never, w.placeOf)
	s.Renew()
	w.releaseHeld(s)
	s.TakeTimes()
	s.NoteSwitches(old)
	w.judge(s, old)
	s.Leave(old)
	s.Follow()
}

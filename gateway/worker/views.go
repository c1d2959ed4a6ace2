package worker

import (
	"evergate/gateway/wait"
	"evergate/topology"
)

// viewChanged takes a new view of a service. It happens at the start of a round only, so that all steps of a round
// see one view.
func (w *Worker) viewChanged(s *service, v *topology.View) {
	old := s.View
	s.SetView(v)
	s.Service.MoveHolds(old)              // shards have other places; what waits for a shard wakes
	w.clock.Ring(wait.Never, w.x.PlaceOf) // so does what waits for a time: it is decided anew
	s.Renew()                             // routes; connections that no route needs stay until Leave
	s.Service.Usable()                    // shards that can take requests buffer no more
	s.TakeTimes()                         // how long a server may be silent
	s.NoteSwitches(old)                   // which servers are primaries only now
	w.x.Judge(s.Service, old)             // withheld replies, while the old view still tells who was what
	s.Leave(old)                          // demoted primaries are drained
	s.Follow()                            // subscriptions move
}

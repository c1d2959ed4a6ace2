package worker

import (
	"evergate/gateway/backend"
	"evergate/topology"
)

// A primary that is being left (the view names it as Former) gets not one byte more. What was not sent goes back to
// its sessions at once; what was sent may still be answered, for a grace. When nothing is owed any more the worker says
// that it has settled, and the control plane may publish the new primary: otherwise one worker would acknowledge there
// while another still passes on what the old one says.

// leave sorts out the lanes of a service under a new view: which are to end, and when. old is the view before.
func (w *Worker) leave(s *service, old *topology.View) {
	for _, l := range w.lanes { // all are marked before the first can end: see settle
		if l != nil && l.Key.Service == s.index && l.Key.Purpose != backend.Replica && l.Key.Purpose != backend.Feed {
			l.Leaving = l.Leaving || s.view.Demoted(l.Key.Node) != nil
		}
	}
	for _, l := range w.lanes {
		switch {
		case l == nil || l.Key.Service != s.index || l.Key.Purpose == backend.Feed:
		case l.Leaving:
			w.leaveLane(s, l, old)
		case !w.needed(w.sets[l.Key]):
			w.retire(l)
		}
	}
	w.settleService(s)
}

// leaveLane goes on with a lane to a former primary, or ends that.
func (w *Worker) leaveLane(s *service, l *backend.Lane, old *topology.View) {
	switch s.view.Judge(old, l.Key.Node, "", -1) {
	case topology.StillOpen:
		w.retire(l)
		if sh := s.view.Demoted(l.Key.Node); l.State == backend.Open && sh != nil && sh.Successor != nil {
			grace := successorGrace
			if sh.DemotedSilent && l.Silent { // a paused one would answer the control plane
				grace = 0
			}
			l.RetireAt = min(l.RetireAt, w.clock.Now+grace)
			w.clock.At(l.RetireAt)
		}
	case topology.KeptRole:
		l.Leaving = false
		if l.Retiring {
			w.retire(l) // it cannot be written to again, but what it still says is true
		}
	default: // its word counts for nothing any more
		w.retire(l)
		if l.State == backend.Open {
			w.laneLost(l, backend.Retired)
		}
	}
}

// settleService says once for each view that nothing is owed by former primaries any more.
func (w *Worker) settleService(s *service) {
	if s.view == nil || s.settled == s.view.Epoch {
		return
	}
	for _, l := range w.lanes {
		if l != nil && l.Leaving && l.Key.Service == s.index {
			return
		}
	}
	s.settled = s.view.Epoch
	w.env.Settled(s.index, s.view.Epoch)
}

// retire ends a lane that is not needed any more. What was not sent goes back at once; what was sent gets a grace.
func (w *Worker) retire(l *backend.Lane) {
	if l.State != backend.Open {
		w.removeLane(l, backend.Retired)
		return
	}
	w.takeBack(l)
	if !l.Awaits() {
		l.Retiring = true
		w.laneLost(l, backend.Retired)
	} else if !l.Retiring {
		l.Retiring, l.RetireAt = true, w.clock.Now+retireGrace
		w.clock.At(l.RetireAt)
	}
}

// takeBack gives requests that the kernel never took whole back to their sessions: they were not executed.
func (w *Worker) takeBack(l *backend.Lane) {
	if l.Queue.Pending() == 0 {
		return
	}
	s := w.services[l.Key.Service]
	unsent := l.Unsent()
	for i := range unsent {
		w.lostRequest(s, l, &unsent[i], false, backend.Retired)
	}
	l.DropUnsent()
}

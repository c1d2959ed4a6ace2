package sim

import (
	"evergate/gateway/session"
	"evergate/testenv/sim/ledger"
)

// untilQuiet plays on without faults until every client has had its replies and each side rests.
func (w *world) untilQuiet() {
	end := w.Now + quietMax
	for w.Now < end && w.Ledger.Fault == "" {
		w.round()
		if w.rests() {
			return
		}
	}
}

// drains says that no client connects any more.
func (w *world) drains() bool { return w.drainAt > 0 && w.turns > w.drainAt }

func (w *world) rests() bool {
	for _, c := range w.clients.Clients {
		if !c.Done() {
			return false
		}
	}
	if !w.AtRest() {
		return false
	}
	return w.judge == nil || w.judge.Disagreement() == ""
}

// checkQuiet looks at what must hold when all is over, and ends the clients that are left.
func (w *world) checkQuiet() {
	for _, c := range w.clients.Clients {
		if len(c.Waiting) > 0 {
			w.Ledger.Fail("client %d was never answered: %v; on the way %d and %d bytes, gone %v\n%s",
				c.Number, c.Waiting[0], c.ToGate.Size, c.ToMe.Size, c.Gone, clientsOf(w.gates[c.Worker].Worker))
		}
		if c.Shut && c.Open {
			w.Ledger.Fail("client %d closed its half and is still here", c.Number)
		}
		if c.KnowsOfHold() {
			w.Ledger.Fail("client %d was sent FAILING_OVER and no FAILED_OVER", c.Number)
		}
		if c.Sends > 0 && c.Open {
			w.Ledger.Fail("client %d could not send", c.Number)
		}
	}
	w.clients.Remaining()
	for _, r := range w.Ledger.Requests {
		if r.Kind == ledger.Execute {
			w.Ledger.Whole(r)
		}
	}
	w.Ledger.Pops()
	w.CheckLists()
	w.checkKept()
	for _, l := range w.Sockets {
		if !l.AtRest() {
			w.Ledger.Fail("lane %v still holds %d+%d+%d bytes", l, l.ToNode.Size, len(l.In), l.ToGate.Size)
		}
	}
	if w.judge != nil {
		w.judge.AtTheEnd()
	}
	if w.Options.Listeners && !w.drains() {
		w.checkListeners()
	}
	cuts := uint64(0)
	for _, g := range w.gates {
		cuts += g.checkQuiet()
	}
	if uint64(w.clients.CutOff) > cuts {
		w.Ledger.Fail("%d clients were closed for no reason, %d for one", w.clients.CutOff, cuts)
	}
	for range 500 {
		left := 0
		for _, g := range w.gates {
			left += g.Drain(true)
		}
		if left == 0 {
			break
		}
		w.round()
	}
	for _, g := range w.gates {
		if n := g.Worker.Clients(); n > 0 {
			w.Ledger.Fail("%d clients are left after a drain", n)
		}
	}
}

// checkQuiet looks at the numbers of a worker and returns how many clients it has closed for a reason of its own.
func (g *gate) checkQuiet() uint64 {
	s := g.Worker.Snapshot()
	if s.BlockedSessions > 0 {
		g.w.Ledger.Fail("%d clients are parked after quiet", s.BlockedSessions)
	}
	var closed uint64
	for _, n := range s.ClientsClosed {
		closed += n
	}
	if s.ClientsOpened != uint64(s.Clients)+closed {
		g.w.Ledger.Fail("opened %d, connected %d, closed %v", s.ClientsOpened, s.Clients, s.ClientsClosed)
	}
	return g.overLimits() + s.ClientsClosed[session.Drained] + s.ClientsClosed[session.BlockingLost]
}

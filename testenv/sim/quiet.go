package sim

import (
	"evergate/gateway/admin"
	"evergate/gateway/session"
	"evergate/gateway/worker"
)

// untilQuiet plays on without faults until every client has had its replies and each side rests.
func (w *world) untilQuiet() {
	end := w.now + quietMax
	for w.now < end && w.ledger.fault == "" {
		w.round()
		if w.rests() {
			return
		}
	}
}

// settledDown says that no fault has happened for a while.
func (w *world) settledDown() bool { return w.calm && w.now-w.calmAt > settleMax }

// drains says that no client connects any more.
func (w *world) drains() bool { return w.drainAt > 0 && w.turn > w.drainAt }

func (w *world) rests() bool {
	for _, c := range w.clients {
		never := !c.open && !c.gone && !c.hung && w.drains()
		waits := len(c.waiting) > 0 || c.sends > 0 || c.shut || c.listens != nil && len(c.listens.expects) > 0
		if c.open && waits || !c.open && !c.gone && !never {
			return false
		}
	}
	for _, l := range w.sockets {
		if l.toNode.size+l.toGate.size+len(l.in) > 0 {
			return false
		}
	}
	return w.keeper == nil || w.disagreement() == ""
}

// clientsOf is CLIENT LIST.
func clientsOf(w *worker.Worker) []byte {
	r := &admin.Request{Kind: admin.ListClients, Services: []int{0}}
	return r.Reply([]admin.Partial{w.Admin(r)})
}

// checkQuiet looks at what must hold when all is over, and ends the clients that are left.
func (w *world) checkQuiet() {
	for _, c := range w.clients {
		if len(c.waiting) > 0 {
			w.ledger.fail("client %d was never answered: %v; on the way %d and %d bytes, stuck %v, quiet %v, gone %v\n%s",
				c.number, c.waiting[0], c.toGate.size, c.toMe.size, c.stuck, c.quiet, c.gone,
				clientsOf(c.gate.worker))
		}
		if c.shut && c.open {
			w.ledger.fail("client %d closed its half and is still here", c.number)
		}
		if c.sends > 0 && c.open {
			w.ledger.fail("client %d could not send", c.number)
		}
	}
	for _, r := range w.ledger.requests {
		if r.kind == execute {
			w.ledger.whole(r)
		}
	}
	for _, l := range w.sockets {
		if l.toNode.size+l.toGate.size+len(l.in) > 0 {
			w.ledger.fail("lane %v still holds %d+%d+%d bytes", l, l.toNode.size, len(l.in), l.toGate.size)
		}
	}
	if w.keeper != nil {
		w.judge.atTheEnd()
	}
	if w.o.Listeners && !w.drains() {
		w.checkListeners()
	}
	cuts := uint64(0)
	for _, g := range w.gates {
		cuts += g.checkQuiet()
	}
	if uint64(w.cutOff) > cuts {
		w.ledger.fail("%d clients were closed for no reason, %d for one", w.cutOff, cuts)
	}
	for range 500 {
		left := 0
		for _, g := range w.gates {
			left += g.worker.Drain()
		}
		if left == 0 {
			break
		}
		w.round()
	}
	for _, g := range w.gates {
		if n := g.worker.Clients(); n > 0 {
			w.ledger.fail("%d clients are left after a drain", n)
		}
	}
}

// checkQuiet looks at the numbers of a worker and returns how many clients it has closed for a reason of its own.
func (g *gate) checkQuiet() uint64 {
	s := g.worker.Snapshot()
	if s.Parked > 0 {
		g.w.ledger.fail("%d clients are parked after quiet", s.Parked)
	}
	var closed uint64
	for _, n := range s.ClientsClosed {
		closed += n
	}
	if s.ClientsOpened != uint64(s.Clients)+closed {
		g.w.ledger.fail("opened %d, connected %d, closed %v", s.ClientsOpened, s.Clients, s.ClientsClosed)
	}
	return s.ClientsClosed[session.HalfReply] + s.ClientsClosed[session.OutputLimit] +
		s.ClientsClosed[session.QueryLimit] + s.ClientsClosed[session.Drained]
}

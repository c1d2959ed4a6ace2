package gateway

import (
	"sync"
	"sync/atomic"
	"time"

	"evergate/gateway/loop"
	"evergate/gateway/maintenance"
	"evergate/gateway/worker"
)

// notices has what clients are notified of: one lock for all workers, so that each of them gets the notices in the
// order of their numbers.
type notices struct {
	parts    func() []subService
	draining atomic.Bool

	mu   sync.Mutex
	to   []loop.Loop
	held *maintenance.Services
}

func newNotices(parts func() []subService) *notices {
	return &notices{parts: parts, held: maintenance.NewServices(len(parts()))}
}

// Draining reports whether Drain was called: the gateway is about to end, and should get no new clients.
func (n *notices) Draining() bool { return n.draining.Load() }

// hold notifies the clients of a sub-service where that is due, now that a worker begins to hold its requests or ends
// it.
func (n *notices) hold(of int, held bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if notice, ok := n.held.Held(of, held, time.Now()); ok {
		n.notify(of, notice)
	}
}

// notify has all workers notify the clients of a sub-service. The caller has the lock.
func (n *notices) notify(of int, notice maintenance.Notice) {
	for _, l := range n.to {
		l.Post(func(w *worker.Worker) { worker.Notify(w, of, notice) })
	}
}

// askToMove asks all clients that understand it to move to another gateway within the time in; early: those that get an
// address for that.
func (n *notices) askToMove(in time.Duration, early bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for of, p := range n.parts() {
		notice := maintenance.Notice{Kind: maintenance.Moving, In: in, Early: early}
		notice.SlotsSeq, notice.Seq = n.held.Next(time.Now()), n.held.Next(time.Now())
		notice.Host, notice.Port = p.service.conf().MovingTo()
		n.notify(of, notice)
	}
}

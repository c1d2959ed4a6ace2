package sim

import (
	"bytes"
	"time"

	"evergate/gateway/maintenance"
	"evergate/gateway/worker"
	"evergate/testenv/sim/scenario"
)

// movesFor is for how many rounds a drain waits for clients that were asked to move.
const movesFor = 50

// hold notifies the clients of all workers, as the gateway does.
func (w *world) hold(service int, held bool) {
	if w.Options.Bug == scenario.NoEnd && !held {
		return
	}
	if n, ok := w.held.Held(service, held, time.Unix(0, int64(w.Now))); ok {
		w.notify(service, n)
	}
}

func (w *world) notify(service int, n maintenance.Notice) {
	for _, g := range w.gates {
		worker.Notify(g.Worker, service, n)
	}
}

// drain has a worker close its clients; those that were asked to move have some time.
func (g *gate) drain() {
	w := g.w
	if w.Options.Notices && w.turns == w.drainAt+1 && g.number == 0 {
		for service := range g.settled {
			w.notify(service, maintenance.Notice{Kind: maintenance.Moving, Seq: w.held.Next(time.Time{}), In: time.Second})
		}
	}
	g.Drain(!w.Options.Notices || w.turns > w.drainAt+movesFor)
}

// misnotify is what a faulty loop does with notifications, given what it writes to a client.
func (g *gate) misnotify(c *peer, b []byte) {
	w := g.w
	push := []byte(">2\r\n$11\r\nFAILED_OVER\r\n:1\r\n")
	switch {
	case w.Options.Bug == scenario.NotifyAll && bytes.Contains(b, []byte("FAILING_OVER")):
		for _, other := range g.peers {
			if other != c && other.Open {
				w.Send(&other.ToMe, push)
			}
		}
	case w.Options.Bug == scenario.NotifyWithin && len(b) > 8 && w.Rnd.IntN(50) == 0:
		w.Send(&c.ToMe, b[:8])
		w.Send(&c.ToMe, push)
		w.Send(&c.ToMe, b[8:])
		return
	}
	w.Send(&c.ToMe, b)
}

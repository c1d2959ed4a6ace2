package gateway

import (
	"context"
	"fmt"
	"time"

	"evergate/gateway/worker"
)

const (
	// drainEvery is how often a drain looks for clients that can be closed.
	drainEvery = 20 * time.Millisecond
	// drainWithin is over how long it closes clients that could all be closed at once. A client library that has many
	// connections to close and to open anew goes on to send on others meanwhile that the gateway has closed, too; and the
	// other gateway gets them one after the other.
	drainWithin = time.Second
)

// Drain ends the gateway's service, in this order: it reports that it drains; asks the clients that have an address for
// that to move; serves the others as before for Gateway.ServesOnFor of the settings, so that load balancers notice, but
// for cluster clients that find another gateway then; asks all that understand it to move; stops accepting; and closes
// each client at a command boundary. Clients that were asked to move, and those in a transaction, have half of the time
// that is left. It returns when all are gone or ctx has ended. Without a deadline none is asked.
func (g *Gateway) Drain(ctx context.Context) error {
	g.draining.Store(true)
	patience := func(delay time.Duration) time.Duration {
		deadline, ok := ctx.Deadline()
		if !ok {
			return 0
		}
		return max(0, time.Until(deadline)-delay) / 2
	}
	if wait := g.conf().ServesOnFor(); wait > 0 {
		in := patience(wait)
		if in > 0 {
			g.askToMove(wait+in, true)
		}
		serveOn(ctx, g, wait, in > 0 && g.conf().MovesSlots())
	}
	return g.drain(ctx, patience(0))
}

// serveOn serves clients as before for so long, or until ctx ends. early: it closes those that find another gateway
// when they connect again: a cluster client that cannot connect to the only node that it knows cannot ask for others.
func serveOn(ctx context.Context, g *Gateway, wait time.Duration, early bool) {
	end := time.NewTimer(wait)
	defer end.Stop()
	tick := time.NewTicker(drainEvery)
	defer tick.Stop()
	most := g.mostAtOnce(wait)
	for {
		select {
		case <-ctx.Done():
			return
		case <-end.C:
			return
		case <-tick.C:
		}
		for i, l := range g.loops {
			if early {
				l.Post(func(w *worker.Worker) { worker.DrainEarly(w, most[i]) })
			}
		}
	}
}

// drain is Drain after its delay; clients have patience to move.
func (g *Gateway) drain(ctx context.Context, patience time.Duration) error {
	patient := time.Now().Add(patience)
	if patience > 0 {
		g.askToMove(patience, false)
	}
	g.closeListeners()
	most := g.mostAtOnce(patience)
	tick := time.NewTicker(drainEvery)
	defer tick.Stop()
	for {
		all := !time.Now().Before(patient)
		for i, l := range g.loops {
			l.Post(func(w *worker.Worker) { w.Drain(all, most[i]) })
		}
		left := g.handshakes.UnderWay()
		for _, l := range g.loops {
			left += l.Clients()
		}
		if left == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d clients had requests under way when the time was over: %w", left, ctx.Err())
		case <-tick.C:
		}
	}
}

// mostAtOnce is how many clients of each worker a drain closes at once.
func (g *Gateway) mostAtOnce(patience time.Duration) []int {
	steps := max(1, int(min(drainWithin, patience)/drainEvery))
	most := make([]int, len(g.loops))
	for i, l := range g.loops {
		most[i] = l.Clients()/steps + 1
	}
	return most
}

// Close stops everything at once. It returns when all goroutines have ended.
func (g *Gateway) Close() error {
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return nil
	}
	g.closed = true
	cancel := g.cancel
	g.mu.Unlock()
	g.closeListeners()
	g.observer.Close()
	if cancel == nil { // never started
		return nil
	}
	cancel()
	for _, l := range g.loops {
		l.Stop()
	}
	g.audit.end()
	g.descriptors.Release()
	g.running.Wait()
	return nil
}

// closeListeners ends accepting, and the handshakes under way.
func (g *Gateway) closeListeners() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stopping = true
	for _, ln := range g.listeners {
		_ = ln.Close()
		ln.life.end()
	}
	if g.stopAccepting != nil {
		g.stopAccepting()
	}
}

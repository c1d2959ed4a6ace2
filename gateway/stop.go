package gateway

import (
	"context"
	"fmt"
	"time"

	"evergate/gateway/worker"
)

// Drain stops accepting, lets every client's commands in flight finish, and closes each client at a command boundary.
// It returns when all are gone or ctx has ended.
func (g *Gateway) Drain(ctx context.Context) error {
	g.closeListeners()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		for _, l := range g.loops {
			l.Post(func(w *worker.Worker) { w.Drain() })
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
	if cancel == nil { // never started
		return nil
	}
	cancel()
	for _, l := range g.loops {
		l.Stop()
	}
	g.audit.end()
	g.descriptors.spares.release()
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
	}
	if g.stopAccepting != nil {
		g.stopAccepting()
	}
}

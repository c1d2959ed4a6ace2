package gateway

import (
	"context"
	"fmt"

	"evergate/gateway/worker"
)

// Turn has each event loop and each service's topology make one more round, and returns when all have: the proof that
// none is stuck. The error names the first that has not when ctx ends. Only between Start and Close.
func (g *Gateway) Turn(ctx context.Context) error {
	for i, l := range g.loops {
		turned := make(chan struct{})
		l.Post(func(*worker.Worker) { close(turned) })
		select {
		case <-turned:
		case <-ctx.Done():
			return fmt.Errorf("event loop %d: %w", i, ctx.Err())
		}
	}
	for _, s := range g.roster.Load().services {
		if err := s.Keeper.Turn(ctx); err != nil {
			return fmt.Errorf("topology of %s: %w", s.name, err)
		}
	}
	return nil
}

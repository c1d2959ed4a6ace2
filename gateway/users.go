package gateway

import (
	"context"
	"time"

	"evergate/gateway/admin"
	"evergate/gateway/policy"
	"evergate/gateway/worker"
)

// Where the servers know the users (config.AuthPass), they are asked who a client is, and what its user may have the
// gateway do for it: on connections of their own, which are closed after the answer.

const (
	// usersMax bounds the users that are connected to one worker: each takes connections to all servers.
	usersMax = 1000
	// asksMax bounds the connections for questions at once.
	asksMax = 64
	// askFor is how long one server may take to answer while there are others.
	askFor = time.Second
)

// verify has a server say who a client of the loop from is.
func (g *Gateway) verify(from int, v policy.Verification) {
	g.aside(func(ctx context.Context) {
		wrong := g.ask(ctx, v.Service, v.Patience, func(ctx context.Context, addr string) ([]byte, error) {
			return g.dialer.Verify(ctx, v.Service, addr, v.As)
		})
		g.loops[from].Post(func(w *worker.Worker) { worker.Verified(w, &v, wrong) })
	})
}

// permits has a server say whether the user of a request may make it, and returns its error if not.
func (g *Gateway) permits(ctx context.Context, r *admin.Request) []byte {
	return g.ask(ctx, r.Services[0], r.Patience, func(ctx context.Context, addr string) ([]byte, error) {
		return g.dialer.May(ctx, r.Services[0], addr, *r.As, r.Asked)
	})
}

// ask puts a question to the servers of a sub-service, until one answers: with an error, or nil.
func (g *Gateway) ask(ctx context.Context, of int, patience time.Duration,
	question func(ctx context.Context, addr string) ([]byte, error)) []byte {
	return g.of(of).direct.Question(ctx, patience, func(ctx context.Context, addr string) ([]byte, error) {
		return g.askOne(ctx, func(ctx context.Context) ([]byte, error) { return question(ctx, addr) })
	})
}

// askOne waits for its turn, and puts a question to one server.
func (g *Gateway) askOne(ctx context.Context, question func(ctx context.Context) ([]byte, error)) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	select {
	case g.asks <- struct{}{}:
		defer func() { <-g.asks }()
		return question(ctx)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

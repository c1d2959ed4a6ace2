package gateway

import (
	"context"
	"time"

	"evergate/gateway/admin"
	"evergate/gateway/policy"
	"evergate/gateway/resp"
	"evergate/gateway/worker"
	"evergate/topology"
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
		wrong := g.ask(ctx, v.Service, v.Patience, func(ctx context.Context, of int, addr string) ([]byte, error) {
			return g.dialer.Verify(ctx, of, addr, v.As)
		})
		g.loops[from].Post(func(w *worker.Worker) { worker.Verified(w, &v, wrong) })
	})
}

// permits has a server say whether the user of a request may make it, and returns its error if not.
func (g *Gateway) permits(ctx context.Context, r *admin.Request) []byte {
	return g.ask(ctx, r.Services[0], r.Patience, func(ctx context.Context, of int, addr string) ([]byte, error) {
		return g.dialer.May(ctx, of, addr, *r.As, r.Asked)
	})
}

// ask puts a question to the servers of a sub-service one after the other, primaries first, until one answers: with an
// error, or nil. It returns an error of its own when none does for as long as patience.
func (g *Gateway) ask(ctx context.Context, of int, patience time.Duration,
	question func(ctx context.Context, of int, addr string) ([]byte, error)) []byte {
	service, deadline := g.of(of), time.Now().Add(patience)
	why := "there is none"
	for {
		for _, n := range inTurn(service.view()) {
			wrong, err := g.askOne(ctx, func(ctx context.Context) ([]byte, error) { return question(ctx, of, n.Addr) })
			if err == nil {
				return wrong
			}
			why = err.Error()
		}
		if !time.Now().Before(deadline) || !pause(ctx, configRetry) {
			return resp.AppendError(nil, "LOADING evergate: service '"+service.name+
				"': no server could check the user: "+why+"; the command was not executed")
		}
	}
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

// inTurn are the servers of a view that may be asked: primaries, then replicas.
func inTurn(v *topology.View) (nodes []*topology.Node) {
	if v == nil {
		return nil
	}
	for i := range v.Shards {
		if p := v.Shards[i].Primary; p != nil {
			nodes = append(nodes, p)
		}
	}
	for i := range v.Shards {
		nodes = append(nodes, v.Shards[i].Replicas...)
	}
	return nodes
}

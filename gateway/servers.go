package gateway

import (
	"context"
	"strconv"

	"evergate/gateway/admin"
	"evergate/gateway/worker"
	"evergate/topology/watch"
)

// aside runs f on a goroutine of its own, which ends with the gateway.
func (g *Gateway) aside(f func(ctx context.Context)) { g.run(func() { f(g.ctx) }) }

// run runs f on a goroutine of its own, unless the gateway was closed. Close waits for it.
func (g *Gateway) run(f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.running.Go(f)
	}
}

// unblock makes the server answer a client that it blocks. If the server does not, the worker does.
func (g *Gateway) unblock(r admin.Request, partials []admin.Partial, answer func([]byte)) {
	var at *admin.BlockedAt
	for i := range partials {
		if partials[i].Blocked != nil {
			at = partials[i].Blocked
		}
	}
	if at == nil {
		answer(r.Reply(partials))
		return
	}
	how := "TIMEOUT"
	if r.AsError {
		how = "ERROR"
	}
	g.aside(func(ctx context.Context) {
		service, number := g.of(r.Services[0]), strconv.FormatInt(at.Client, 10)
		reply, err := service.Ask(ctx, at.Addr, "CLIENT", "UNBLOCK", number, how)
		if n, isNumber := reply.(int64); err == nil && isNumber {
			answer(r.Reply([]admin.Partial{{Count: int(n)}}))
			return
		}
		if !watch.Refused(err) {
			g.logger.Warn("client unblock failed, server connection closed", "server", at.Addr,
				"error", watch.Words(err))
		}
		g.unblockHere(&r, answer)
	})
}

// unblockHere makes the worker of a blocked client answer it.
func (g *Gateway) unblockHere(r *admin.Request, answer func([]byte)) {
	part := func(w *worker.Worker) admin.Partial { return admin.Partial{Count: w.Unblock(r)} }
	gather(g, part, func(partials []admin.Partial) { answer(r.Reply(partials)) })
}

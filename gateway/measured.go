package gateway

import (
	"context"

	"evergate/gateway/admin"
	"evergate/gateway/measured"
	"evergate/gateway/worker"
)

// newMeasured makes what keeps the measurements, with the gateway as its environment.
func newMeasured(g *Gateway) *measured.Measured {
	return measured.New(g.conf(), measured.Env{
		Conf:    g.conf,
		Service: func(of int) int { return g.subServices[of].service },
		Parts: func(service int) (parts []int) {
			for of, p := range g.subServices {
				if p.service == service {
					parts = append(parts, of)
				}
			}
			return parts
		},
		Sharded: func(of int) bool {
			v := g.viewOf(of)
			return v != nil && v.Sharded
		},
		Gather: func(r *admin.Request, done func([]admin.Partial)) {
			gather(g, func(w *worker.Worker) admin.Partial { return w.Admin(r) }, done)
		},
		Collect: func(r *admin.Request) []admin.Partial {
			return collect(g, func(w *worker.Worker) admin.Partial { return w.Admin(r) })
		},
		Ask: func(ctx context.Context, service int, words []string) (replies []measured.Reply) {
			all, why := g.askPrimaries(ctx, service, words)
			if why != "" {
				return nil
			}
			for i := range all {
				replies = append(replies, measured.Reply{Addr: all[i].node.Addr, Reply: all[i].reply})
			}
			return replies
		},
		Configure: g.configure,
		Holds: func(service int) (holds []measured.Hold) {
			for _, f := range g.failovers[service].History().Last {
				if f.Released >= 0 {
					holds = append(holds, measured.Hold{
						Ended: f.Began.Add(f.Released), Took: f.Released - f.Held, Kept: f.To == f.From,
					})
				}
			}
			return holds
		},
	})
}

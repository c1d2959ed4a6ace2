package gateway

import (
	"context"

	"evergate/gateway/admin"
	"evergate/gateway/measured"
	"evergate/gateway/worker"
)

// newMeasured makes what keeps the measurements, with the gateway as its environment.
func newMeasured(g *Gateway) *measured.Measured {
	return measured.New(measured.Env{
		Conf: g.conf,
		Services: func() (all []*measured.Service) {
			for _, s := range g.roster.Load().services {
				all = append(all, s.measured)
			}
			return all
		},
		Service: func(of int) *measured.Service { return g.of(of).measured },
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
		Configure: func(ctx context.Context, r *admin.Request) []byte {
			return g.of(r.Services[0]).direct.Configure(ctx, r)
		},
	})
}

// newMeasuredOf is newMeasured for one service.
func newMeasuredOf(g *Gateway, s *service) *measured.Service {
	return measured.NewService(g.conf(), measured.About{
		Name: s.name, Parts: s.parts[:],
		Ask: func(ctx context.Context, words []string) (replies []measured.Reply, why string) {
			all, why := s.direct.Primaries(ctx, words)
			for i := range all {
				replies = append(replies, measured.Reply{Addr: all[i].Node.Addr, Reply: all[i].Reply})
			}
			return replies, why
		},
		Holds: func() (holds []measured.Hold) {
			for _, f := range s.failovers.History().Last {
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

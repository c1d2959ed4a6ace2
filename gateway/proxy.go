package gateway

import (
	"context"
	"time"

	"evergate/gateway/admin"
	"evergate/gateway/resp"
	"evergate/gateway/status"
	"evergate/gateway/summary"
	"evergate/gateway/worker"
	"evergate/routing"
)

// proxy serves PROXY, about the service of the client that asks. No server is asked.
func (g *Gateway) proxy(r *admin.Request, answer func([]byte)) {
	service := g.of(r.Services[0]).observed
	lines := func(text []string) { answer(resp.AppendLines(nil, text...)) }
	switch r.Command {
	case routing.CmdProxyInfo:
		gather(g, (*worker.Worker).Snapshot, func(all []worker.Snapshot) {
			answer(r.Text(status.OwnInfo(g.facts(r.Listener, all, nil), r.Words)))
		})
	case routing.CmdProxyTopology:
		g.aside(func(context.Context) {
			shown := g.observer.Service(service)
			lines(summary.Topology(&shown, time.Now()))
		})
	case routing.CmdProxyFailovers:
		lines(summary.Failovers(g.observer.FailoversOf(service)))
	case routing.CmdProxyClients:
		gather(g, func(w *worker.Worker) admin.Partial { return w.Admin(r) }, func(partials []admin.Partial) {
			var groups []summary.Group
			for i := range partials {
				groups = append(groups, partials[i].Groups...)
			}
			lines(summary.Clients(groups))
		})
	}
}

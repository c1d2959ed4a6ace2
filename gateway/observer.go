package gateway

import (
	"net"

	"evergate/gateway/api"
	"evergate/gateway/config"
	"evergate/gateway/metrics"
	"evergate/gateway/observe"
	"evergate/gateway/worker"
)

// newObserver makes the observer of a gateway.
func newObserver(g *Gateway) *observe.Observer {
	revision, modified := Revision()
	return observe.New(observe.Gateway{Logger: g.logger, Version: Version(), Revision: revision, Modified: modified,
		RunID: g.runID, Started: g.started, Workers: g.conf().Workers, Conf: g.conf, Snapshot: g.Snapshot,
		ServiceOf: func(of int) int { return g.subServices[of].service },
		HotKeys:   func(service string, named bool) api.HotKeys { return g.HotKeys(service, named) },
		SlowLog:   func(service string, n int, named bool) api.Slowlog { return g.SlowLog(service, n, named) },
		Listeners: func(service int) []api.Listener { return shownListeners(g, service) },
		Process: func() observe.Process {
			_, clients := g.idlest()
			done, failed := g.handshakes.Counts()
			last := g.lastReload()
			return observe.Process{Clients: clients, ClientsMax: g.descriptors.clientsMax(),
				ClientMemory: g.clientMemory.Load(), Draining: g.Draining(), Rejected: g.rejected(), Handshakes: done,
				HandshakesFailed: failed, Reloads: metrics.Reloads{Done: last.Done, Failed: last.Failed,
					LastFailed: last.Err != nil, At: last.At}}
		},
		Rows: func(selected func(int) bool, order func(a, b *worker.Row) int, limit int) (rows []worker.Row, total int) {
			for _, p := range collect(g, func(w *worker.Worker) clientRows {
				rows, total := w.Rows(selected, order, limit)
				return clientRows{rows, total}
			}) {
				rows, total = append(rows, p.rows...), total+p.total
			}
			return rows, total
		},
		ReadsReplicas: func(service int) bool {
			for _, p := range subServicesOf(g.conf()) {
				if p.service == service && !p.sentinel && p.used(&g.conf().Services[service]) != config.ReadPrimary {
					return true
				}
			}
			return false
		}})
}

// clientRows are those of one worker.
type clientRows struct {
	rows  []worker.Row
	total int
}

// shownListeners are those of a service.
func shownListeners(g *Gateway, service int) []api.Listener {
	g.mu.Lock()
	defer g.mu.Unlock()
	s, subServices, list := &g.conf().Services[service], subServicesOf(g.conf()), []api.Listener{}
	for _, ln := range g.listeners {
		if ln.service != service {
			continue
		}
		of, _ := g.listenerOf(ln.id)
		shown := api.Listener{Addr: ln.Addr().String(), Emulates: string(s.FacadeAt(ln.address)), TLS: ln.isTLS,
			Reads: string(subServices[of].reads), Hold: s.HoldAt(ln.address).String()}
		if ln.Addr().Network() == "unix" {
			shown.Addr = "unix:" + shown.Addr
		}
		list = append(list, shown)
	}
	return list
}

// AdminAddr is the address of the HTTP server; nil if there is none.
func (g *Gateway) AdminAddr() net.Addr { return g.observer.Addr() }

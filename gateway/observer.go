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
		Services: func() (all []*observe.Service) {
			for _, s := range g.roster.Load().services {
				all = append(all, s.observed)
			}
			return all
		},
		Service: func(of int) *observe.Service { return g.of(of).observed },
		Reload:  g.askToReload,
		HotKeys: func(service string, named bool) api.HotKeys { return g.HotKeys(service, named) },
		SlowLog: func(service string, n int, named bool) api.Slowlog { return g.SlowLog(service, n, named) },
		Process: func() observe.Process {
			_, clients := g.idlest()
			done, failed := g.handshakes.Counts()
			last := g.lastReload()
			return observe.Process{Clients: clients, ClientsMax: g.descriptors.ClientsMax(),
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
		}})
}

// observe has the observer of the gateway observe a service, whose keeper does not run yet.
func (g *Gateway) observe(s *service) {
	s.observed = observe.NewService(observe.About{
		Name: s.name, Keeper: s.Keeper, Failovers: &s.failovers, Fresh: s.fresh, Parts: s.parts[:], Conf: s.conf,
		Added:         g.ctx != nil,
		Listeners:     func() []api.Listener { return shownListeners(g, s) },
		Reads:         func() config.ReadPolicy { return s.now(s.conf()).Reads },
		ReadsReplicas: s.readsReplicas,
	})
	g.observer.Follow(s.observed)
}

// clientRows are those of one worker.
type clientRows struct {
	rows  []worker.Row
	total int
}

// shownListeners are those of a service.
func shownListeners(g *Gateway, service *service) []api.Listener {
	g.mu.Lock()
	defer g.mu.Unlock()
	s, list := service.conf(), []api.Listener{}
	for _, ln := range g.listeners {
		if ln.service != service {
			continue
		}
		reading := service.now(s).ReadingAt(ln.address)
		shown := api.Listener{Addr: ln.Addr().String(), Emulates: string(s.FacadeAt(ln.address)), TLS: ln.isTLS,
			Reads: reading.From.String(), Hold: s.HoldAt(ln.address).String(),
			Consistency: reading.Consistency.String(), Acks: s.Acks.At(ln.address).Level.String()}
		if ln.Addr().Network() == "unix" {
			shown.Addr = "unix:" + shown.Addr
		}
		list = append(list, shown)
	}
	return list
}

// adminDescriptors is how many descriptors the HTTP server may take.
func adminDescriptors(conf *config.Gateway) int {
	if conf.Admin.Listen == "" {
		return 0
	}
	return observe.Descriptors
}

// AdminAddr is the address of the HTTP server; nil if there is none.
func (g *Gateway) AdminAddr() net.Addr { return g.observer.Addr() }

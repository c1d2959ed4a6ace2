package observe

import (
	"context"
	"os"
	"slices"
	"time"

	"evergate/gateway/api"
	"evergate/gateway/config"
	"evergate/gateway/metrics"
	"evergate/gateway/status"
	"evergate/gateway/worker"
)

// The Observer is the web.Source of the HTTP server.

// Overview answers api.PathOverview.
func (o *Observer) Overview() api.Overview {
	g, conf, p, ready := &o.g, o.g.Conf(), o.g.Process(), o.Ready()
	host, _ := os.Hostname() // empty if the machine has none
	return api.Overview{Now: time.Now().UTC(), Version: g.Version, Revision: g.Revision, Modified: g.Modified,
		Started: g.Started.UTC(), PID: os.Getpid(), RunID: g.RunID, Host: host, Ready: ready.Ready, NotReady: ready.NotReady,
		Draining: p.Draining, Workers: g.Workers, Clients: p.Clients, ClientsMax: p.ClientsMax, ClientMemory: p.ClientMemory,
		ClientMemoryMax: conf.Limits.ClientMemoryMax, Services: conf.Names(), KeysShown: conf.Admin.NamesKeys()}
}

// Ready answers api.PathReady.
func (o *Observer) Ready() api.Ready {
	r := status.Readiness{Listening: o.listening.Load(), Draining: o.g.Process().Draining}
	for _, s := range o.g.Services() {
		r.Services = append(r.Services, status.ReadyService{Name: s.Name, Had: s.had.Load(), Added: s.Added,
			View: s.Keeper.View()})
	}
	return status.Ready(r)
}

// Services answers api.PathServices.
func (o *Observer) Services() api.Services {
	all := o.g.Snapshot()
	return api.Services{Now: time.Now().UTC(), Services: o.list(&all)}
}

// Service returns one service.
func (o *Observer) Service(s *Service) api.Service {
	all := o.g.Snapshot()
	return o.service(s, &all)
}

func (o *Observer) list(all *worker.Snapshot) (services []api.Service) {
	for _, s := range o.g.Services() {
		services = append(services, o.service(s, all))
	}
	return services
}

// service returns one service, with what the workers have open.
func (o *Observer) service(of *Service, all *worker.Snapshot) api.Service {
	s, k, reads := of.Conf(), of.Keeper, of.Reads()
	kind := api.KindPlain
	switch {
	case len(s.Sentinels) > 0:
		kind = api.KindSentinel
	case len(s.Cluster) > 0:
		kind = api.KindCluster
	}
	picture := status.Picture{View: k.View(), Open: of.openOf(all), Earlier: o.earlier(of), Reach: &of.reach,
		Offset: k.Offset, Lags: of.Fresh.Lags(time.Now()),
		OnReplicas: of.ReadsReplicas(), OnPrimaries: reads == config.ReadPrimary,
		NeverPrimary: reads == config.ReadReplica}
	d, took := picture.Draw(), picture.Open.Took.Since(&picture.Earlier.Took)
	counters := status.CountersOf(&picture.Open, of.Failovers.History(), &took)
	reading := s.ReadingAt("")
	confirmed := status.AcksOf(&picture.Open, &picture.Earlier)
	confirmed.Level, confirmed.Timeout = s.Acks.Level.String(), s.Acks.Timeout.String()
	hedges := status.HedgesOf(&picture.Open, &picture.Earlier, o.g.Workers)
	hedges.After = s.Hedge.String()
	return api.Service{Name: s.Name, Kind: kind, Listeners: of.Listeners(), Reads: string(reads),
		Hold: s.Hold.String(), Epoch: d.Epoch, HadPrimary: of.had.Load(), Steady: d.Steady, Unserved: d.Unserved,
		DownAfter: d.DownAfter, Polls: of.Fresh.Polls(), Consistency: reading.Consistency.String(),
		MaxLag: api.Ms(s.MaxLag.Time), MaxLagBytes: s.MaxLag.Bytes,
		ReplicaReads: status.ReplicaReads(&picture.Open, &picture.Earlier), Hedges: hedges, Acks: confirmed,
		Shards: d.Shards, Nodes: d.Nodes, Sentinels: of.reach.Sentinels(), Counters: counters}
}

// Failovers answers api.PathFailovers.
func (o *Observer) Failovers() api.Failovers {
	out := api.Failovers{Now: time.Now().UTC(), Failovers: []api.Failover{}}
	for _, s := range o.g.Services() {
		out.Failovers = append(out.Failovers, o.FailoversOf(s)...)
	}
	slices.SortStableFunc(out.Failovers, func(a, b api.Failover) int { return a.Began.Compare(b.Began) })
	return out
}

// FailoversOf returns the newest failovers of one service, in the order of their beginning. They have no Effect where
// no samples are taken.
func (o *Observer) FailoversOf(s *Service) (all []api.Failover) {
	history := s.Failovers.History()
	for k := range history.Last {
		shown := history.Last[k].Shown(s.Name)
		if !o.watches.Load() {
			shown.Effect = nil
		}
		all = append(all, shown)
	}
	return all
}

// SortsBy reports whether clients can be sorted by a key.
func (o *Observer) SortsBy(key string) bool { return status.SortsBy(key) }

// Clients answers api.PathClients.
func (o *Observer) Clients(service, sort string, limit int) api.Clients {
	nameOf := func(of int) string { return o.g.Service(of).Name }
	order := status.Order(sort)
	rows, total := o.g.Rows(func(of int) bool { return service == "" || nameOf(of) == service }, order, limit)
	slices.SortFunc(rows, func(a, b worker.Row) int { return order(&a, &b) })
	rows = rows[:min(limit, len(rows))]
	out := api.Clients{Now: time.Now().UTC(), Total: total, Shown: len(rows), Clients: []api.Client{}}
	for i := range rows {
		out.Clients = append(out.Clients, status.ShownClient(nameOf(rows[i].Of), &rows[i]))
	}
	return out
}

// Slowlog answers api.PathSlowlog.
func (o *Observer) Slowlog(service string, limit int) api.Slowlog {
	return o.g.SlowLog(service, limit, o.g.Conf().Admin.NamesKeys())
}

// HotKeys answers api.PathHotkeys.
func (o *Observer) HotKeys(service string) api.HotKeys {
	return o.g.HotKeys(service, o.g.Conf().Admin.NamesKeys())
}

// Config answers api.PathConfig.
func (o *Observer) Config() api.Config {
	listed := o.g.Conf().Listed
	if listed.Settings == nil {
		listed.Settings = []api.Setting{}
	}
	return listed
}

// Reload answers api.PathReload.
func (o *Observer) Reload(ctx context.Context) (api.Reload, error) { return o.g.Reload(ctx) }

// Series answers api.PathSeries.
func (o *Observer) Series(seconds int) api.Series {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.series.Last(seconds)
	s.Now = time.Now().UTC()
	return s
}

// facts are what the metrics are made of.
func (o *Observer) facts() metrics.Facts {
	all, p := o.g.Snapshot(), o.g.Process()
	var services []metrics.Service
	for _, s := range o.g.Services() {
		open := s.openOf(&all)
		services = append(services, metrics.Service{Service: o.service(s, &all), Open: open,
			ByNode: status.ByNode(s.Keeper.View(), &open)})
	}
	return metrics.Facts{Overview: o.Overview(), Services: services, Stats: all, Rejected: p.Rejected,
		Handshakes: p.Handshakes, HandshakesFailed: p.HandshakesFailed, Reloads: p.Reloads}
}

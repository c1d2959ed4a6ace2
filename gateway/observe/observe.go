// Package observe watches the gateway for its operators: it takes a sample each second, passes news on to the streams
// of the HTTP server, and answers its requests (source.go). Begin with Gateway and New.
//
// It reads. All that it can change is to have the gateway read its settings again.
package observe

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"evergate/gateway/api"
	"evergate/gateway/config"
	"evergate/gateway/freshness"
	"evergate/gateway/metrics"
	"evergate/gateway/page"
	"evergate/gateway/series"
	"evergate/gateway/status"
	"evergate/gateway/web"
	"evergate/gateway/worker"
	"evergate/topology"
	"evergate/topology/decide"
	"evergate/topology/keeper"
)

// Gateway has the parts of a gateway that are observed.
type Gateway struct {
	Logger  hclog.Logger
	Version string
	// Revision is the commit of the build, Modified: the sources differed from it.
	Revision string
	Modified bool
	// RunID is a word that no other run has.
	RunID   string
	Started time.Time
	Workers int
	// Conf returns the settings in use.
	Conf func() *config.Gateway
	// Process returns what is the same for all services.
	Process func() Process
	// Snapshot returns the counters of all workers.
	Snapshot func() worker.Snapshot
	// Rows lists clients of all workers, as Worker.Rows does.
	Rows func(selected func(of int) bool, order func(a, b *worker.Row) int, limit int) (rows []worker.Row, total int)
	// Services are those that there are, in the order of the settings; Service is that of a sub-service.
	Services func() []*Service
	Service  func(of int) *Service
	// HotKeys and SlowLog answer for a service, or for all; named: with the names of keys.
	HotKeys func(service string, named bool) api.HotKeys
	// Reload has the gateway read its settings again; the error says why it cannot.
	Reload  func(ctx context.Context) (api.Reload, error)
	SlowLog func(service string, limit int, named bool) api.Slowlog
}

// Descriptors is how many file descriptors the HTTP server may take.
const Descriptors = web.Descriptors

// Process is what concerns all services.
type Process struct {
	// Clients are connected, ClientsMax may be. ClientMemory is what is kept for them, in bytes.
	Clients, ClientsMax int
	ClientMemory        int64
	Draining            bool
	// Rejected, Handshakes, HandshakesFailed and Reloads are as in metrics.Facts.
	Rejected, Handshakes, HandshakesFailed uint64
	Reloads                                metrics.Reloads
}

// Observer watches one gateway. New makes it.
type Observer struct {
	g Gateway
	// watches: there is an HTTP server, or was one. Before, no samples are taken.
	watches atomic.Bool
	serving serving
	events  *web.Events
	// listening: the gateway has opened all listeners.
	listening atomic.Bool
	// wake has an element when news is not empty.
	wake chan struct{}

	mu     sync.Mutex
	series *series.Series
	last   worker.Snapshot // of the newest sample, taken at lastAt
	lastAt time.Time
	// recent has what was open of each service at the newest samples, oldest first.
	recent []map[*Service]worker.OfService
	news   news
}

// Service is a service that is observed. NewService makes it, Follow begins with it.
type Service struct {
	About
	// had: it had a primary once. reach knows which of its servers and Sentinels answer.
	had   atomic.Bool
	reach status.Reach
}

// About is what an Observer needs of a service.
type About struct {
	Name      string
	Keeper    *keeper.Keeper
	Failovers *status.Failovers
	Fresh     *freshness.Service
	// Added: it was added while the gateway ran.
	Added bool
	// Parts are its sub-services.
	Parts []int
	// Conf returns its settings in use, Listeners its listeners, Reads its read policy as it is now, never
	// ReadAuto. ReadsReplicas reports whether some of its clients read from replicas.
	Conf          func() *config.Service
	Listeners     func() []api.Listener
	Reads         func() config.ReadPolicy
	ReadsReplicas func() bool
}

// NewService returns a service of which nothing was seen yet.
func NewService(about About) *Service { return &Service{About: about} }

// news is what streams have not sent yet: services with a new view, and failovers with a new step.
type news struct {
	views     map[*Service]bool
	failovers map[failoverKey]bool
}

type failoverKey struct {
	service *Service
	number  uint64
}

// New makes the Observer of a gateway.
func New(g Gateway) *Observer {
	o := &Observer{g: g, events: web.NewEvents(g.RunID[:8]), wake: make(chan struct{}, 1),
		news: news{views: map[*Service]bool{}, failovers: map[failoverKey]bool{}}}
	o.serving.conf = web.Config{Source: o, Events: o.events, Metrics: metrics.Scrapes(metrics.New(o.facts)),
		Page: page.New(), Logger: g.Logger.Named("admin")}
	return o
}

// Follow has a service report its views and events, before its keeper runs; its Failovers note an event before it is
// reported.
func (o *Observer) Follow(s *Service) {
	s.reach.Expect(s.Conf().Sentinels)
	s.Keeper.OnEvent(s.reach.Note)
	s.Keeper.OnView(func(v *topology.View) {
		if status.HasPrimary(v) {
			s.had.Store(true)
		}
		o.note(func(n *news) { n.views[s] = true })
	})
	s.Keeper.OnEvent(func(e decide.Event) {
		if e.Failover != 0 {
			o.note(func(n *news) { n.failovers[failoverKey{s, e.Failover}] = true })
		}
	})
}

// Renew forgets the Sentinels that a service had with other settings.
func (s *Service) Renew() { s.reach.Renew(s.Conf().Sentinels) }

// note changes the news, and wakes watch.
func (o *Observer) note(change func(*news)) {
	if !o.watches.Load() {
		return
	}
	o.mu.Lock()
	change(&o.news)
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// watch takes samples, and publishes them and the news.
func (o *Observer) watch(ctx context.Context) {
	for {
		next := time.NewTimer(time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
		for waiting := true; waiting; {
			select {
			case <-ctx.Done():
				next.Stop()
				return
			case <-o.wake:
				o.publishNews()
			case <-next.C:
				waiting = false
			}
		}
		o.sample(time.Now())
	}
}

// publishNews publishes what is new since the last call.
func (o *Observer) publishNews() {
	o.mu.Lock()
	now := o.news
	o.news = news{views: map[*Service]bool{}, failovers: map[failoverKey]bool{}}
	open := o.last
	o.mu.Unlock()
	for _, s := range o.g.Services() { // in their order
		if now.views[s] {
			o.events.Publish(api.EventTopology, o.service(s, &open))
		}
		history := s.Failovers.History()
		for k := range history.Last {
			if f := &history.Last[k]; now.failovers[failoverKey{s, f.Number}] {
				o.events.Publish(api.EventFailover, f.Shown(s.Name))
			}
		}
	}
}

// sample takes the sample of the second that ends now.
func (o *Observer) sample(now time.Time) {
	all := o.g.Snapshot()
	o.mu.Lock()
	before, beforeAt := o.last, o.lastAt
	o.last, o.lastAt = all, now
	o.mu.Unlock()
	services, elapsed := o.g.Services(), now.Sub(beforeAt)
	points := make([]api.Point, 0, len(services)+1)
	rounds := all.Rounds.Since(&before.Rounds)
	var allNow, allWas worker.OfService
	open := map[*Service]worker.OfService{}
	for _, s := range services {
		at, was := s.openOf(&all), s.openOf(&before)
		open[s] = at
		allNow.Add(&at)
		allWas.Add(&was)
		p, counters := status.PointOf(s.Name, &at, &was, &rounds, elapsed)
		for _, number := range s.Failovers.Sample(now, status.TallyOf(&counters), at.Waiting, at.Longest) {
			o.note(func(n *news) { n.failovers[failoverKey{s, number}] = true })
		}
		points = append(points, p)
	}
	sum, _ := status.PointOf("", &allNow, &allWas, &rounds, elapsed)
	second := now.Round(time.Second).Unix() - 1
	o.mu.Lock()
	o.series.Add(second, append(points, sum))
	o.remember(open)
	o.mu.Unlock()
	ready := o.Ready()
	o.events.Publish(api.EventSample, api.Sample{At: second, Ready: ready.Ready,
		Draining: o.g.Process().Draining, Clients: all.Clients, ClientMemory: int64(all.ClientMemory), All: sum,
		Services: points})
}

// recentSamples is how far back the percentiles of a service reach.
const recentSamples = 10

// remember keeps what is open of each service at a sample; o.mu is held.
func (o *Observer) remember(open map[*Service]worker.OfService) {
	if o.recent = append(o.recent, open); len(o.recent) > recentSamples {
		o.recent = o.recent[1:]
	}
}

// earlier returns what was open of a service some seconds ago: nothing of one that is younger.
func (o *Observer) earlier(s *Service) worker.OfService {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.recent) == 0 {
		return worker.OfService{}
	}
	return o.recent[0][s]
}

// openOf adds what the workers have open of all sub-services. A snapshot may be older than the service.
func (s *Service) openOf(all *worker.Snapshot) (open worker.OfService) {
	for _, of := range s.Parts {
		if of < len(all.Services) {
			open.Add(&all.Services[of])
		}
	}
	return open
}

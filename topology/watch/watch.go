// Package watch queries Sentinels, cluster nodes and servers about the topology, and subscribes to the messages of
// Sentinels. It hands observations to a keeper.Keeper, and carries out the effects of its State. It decides nothing. It
// alone uses go-redis: as a typed RPC, one connection at a time.
//
// Typical use:
//
//	w := watch.New(watch.Options{Logger: logger})
//	orders := w.Add(watch.Service{Name: "orders", Sentinels: []string{"10.0.0.5:26379"}, MasterName: "orders"})
//	orders.Keeper.OnView(wake)
//	go w.Run(ctx)
//
// Rejected: go-redis's Failover and Cluster clients, which make topology decisions of their own (they believe one
// Sentinel's message, without its epoch and without asking the node), and a connection per question.
package watch

import (
	"context"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"evergate/topology"
	"evergate/topology/decide"
	"evergate/topology/keeper"
)

// Options of a Watch. Zero fields get the stated default.
type Options struct {
	// Logger receives changes of state, never a secret. Default: none.
	Logger hclog.Logger
	// ClientName is the name of the connections that probe servers, which CLIENT LIST shows there: ClientNames and what
	// tells this process from others. Default: none.
	ClientName string
	// DialTimeout is how long a dial, and each answer, may take. Default 1 s.
	DialTimeout time.Duration
	// RefreshInterval is the time between two polls of a Sentinel, and of a cluster's slot map. Default 3 s.
	RefreshInterval time.Duration
	// ResolveInterval is the time between two look-ups of the names of a plain list. Default 5 s.
	ResolveInterval time.Duration
	// Resolve looks up a host. Default: the system's resolver.
	Resolve func(ctx context.Context, host string) ([]string, error)
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = hclog.NewNullLogger()
	}
	if o.DialTimeout <= 0 {
		o.DialTimeout = time.Second
	}
	if o.RefreshInterval <= 0 {
		o.RefreshInterval = 3 * time.Second
	}
	if o.ResolveInterval <= 0 {
		o.ResolveInterval = 5 * time.Second
	}
	if o.Resolve == nil {
		o.Resolve = net.DefaultResolver.LookupHost
	}
	return o
}

// Watch runs the keepers of all services and the connections that feed them.
type Watch struct {
	options Options
	// dial and refresh are DialTimeout and RefreshInterval as they are now, in nanoseconds.
	dial, refresh atomic.Int64
	running       sync.WaitGroup

	// mu guards the rest, and the listeners of followers.
	mu        sync.Mutex
	services  []*service
	followers map[followerKey]*follower
	// ctx is that of Run, nil before. began is closed when Run has begun all services.
	ctx   context.Context
	began chan struct{}
	ended bool
}

// service is one Service with its keeper. Faults of its servers affect its own goroutines only.
type service struct {
	Service
	watch  *Watch
	logger hclog.Logger
	keeper *keeper.Keeper
	// reseeds is how often the service had other settings before.
	reseeds int
	// ctx ends with the service.
	ctx context.Context
	end context.CancelFunc
	// endKeeper ends the keeper. Watch.mu guards it.
	endKeeper context.CancelFunc
	// left: it is not watched any more. Watch.mu guards it.
	left bool
	// identity is shared by followers of services with the same credentials.
	identity followerKey
	// tap receives each observation before the keeper; nil except in a survey.
	tap func(topology.Observation)

	// resolveNow requests a look-up at once.
	resolveNow chan struct{}
	// mu guards probers and the clients of Ask.
	mu       sync.Mutex
	probers  map[string]*prober
	asks     map[string]*asked
	askEnded bool
}

// New returns a Watch without services.
func New(options Options) *Watch {
	w := &Watch{options: options.withDefaults(), followers: map[followerKey]*follower{}, began: make(chan struct{})}
	w.SetTimes(w.options.DialTimeout, w.options.RefreshInterval)
	return w
}

// SetTimes replaces DialTimeout and RefreshInterval; both are positive. What has begun goes on with the old ones, until
// Change.
func (w *Watch) SetTimes(dialTimeout, refreshInterval time.Duration) {
	w.dial.Store(int64(dialTimeout))
	w.refresh.Store(int64(refreshInterval))
}

func (w *Watch) dialTimeout() time.Duration     { return time.Duration(w.dial.Load()) }
func (w *Watch) refreshInterval() time.Duration { return time.Duration(w.refresh.Load()) }

// Watched is a service that a Watch watches.
type Watched struct {
	// Keeper has its views.
	Keeper *keeper.Keeper
	// now has it with the settings of the moment.
	now *atomic.Pointer[service]
}

// Add adds a service. It is watched when Run is called, or if that was before, from Begin on.
func (w *Watch) Add(s Service) Watched {
	added := w.add(s)
	now := &atomic.Pointer[service]{}
	now.Store(added)
	return Watched{added.keeper, now}
}

func (w *Watch) make(s Service) *service {
	return &service{Service: s, watch: w, logger: w.options.Logger.With("service", s.Name),
		resolveNow: make(chan struct{}, 1), probers: map[string]*prober{}, asks: map[string]*asked{}}
}

func (w *Watch) add(s Service) *service {
	sv := w.make(s)
	state := decide.New(s.settings(w.refreshInterval()))
	sv.keeper = keeper.New(state, time.Now, sv.do)
	sv.keeper.OnEvent(sv.log)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.services = append(w.services, sv)
	return sv
}

// Begin begins to watch a service that was added while Run runs.
func (w *Watch) Begin(s Watched) { w.begin(s.now.Load()) }

func (w *Watch) begin(s *service) {
	w.mu.Lock()
	begins := w.ctx != nil && s.ctx == nil // if not, Run does or has
	var ctx context.Context
	if begins {
		s.open(w.ctx)
		ctx, s.endKeeper = context.WithCancel(w.ctx)
	}
	w.mu.Unlock()
	if begins {
		w.start(func() { s.keeper.Run(ctx) })
		w.ask(s)
	}
}

// open has the service watched until ctx ends.
func (s *service) open(ctx context.Context) {
	s.ctx, s.end = context.WithCancel(ctx)
	s.identity = s.sentinelIdentity()
}

// ask begins to ask Sentinels and name servers; nodes are asked when the keeper wants that.
func (w *Watch) ask(s *service) {
	for _, addr := range s.Sentinels {
		w.follow(s, addr, true)
	}
	if s.Primary != "" {
		w.start(s.resolve)
	}
}

// Change has a service watched with other settings: with the same name and kind of upstream. The views go on; see
// decide.State.Reseed. It returns when what the old settings led to counts no more. One call at a time, and only while
// Run runs, or is about to.
func (w *Watch) Change(s Watched, to Service) {
	<-w.began
	old, fresh := s.now.Load(), w.make(to)
	w.mu.Lock()
	fresh.keeper, fresh.reseeds, fresh.endKeeper = old.keeper, old.reseeds+1, old.endKeeper
	fresh.open(w.ctx)
	w.drop(old)
	w.services = append(w.services, fresh)
	ctx := w.ctx
	w.mu.Unlock()
	s.now.Store(fresh)
	old.keeper.Reseed(ctx, to.settings(w.refreshInterval()), fresh.do)
	old.endAsking()
	w.ask(fresh)
}

// End ends watching a service, and closes its connections. Its keeper keeps the last View.
func (w *Watch) End(s Watched) {
	sv := s.now.Load()
	w.mu.Lock()
	w.drop(sv)
	if sv.endKeeper != nil {
		sv.endKeeper()
	}
	w.mu.Unlock()
	sv.endAsking()
}

// drop ends all that asks for a service. The caller has mu.
func (w *Watch) drop(s *service) {
	w.services = slices.DeleteFunc(w.services, func(other *service) bool { return other == s })
	w.unfollow(s)
	if s.end != nil {
		s.end()
	}
}

// Run watches until ctx ends, and returns when all its goroutines and connections have ended. The error is always nil:
// no server can end it.
func (w *Watch) Run(ctx context.Context) error {
	w.mu.Lock()
	w.ctx = ctx
	first := slices.Clone(w.services)
	w.mu.Unlock()
	for _, s := range first {
		w.begin(s)
	}
	close(w.began)
	<-ctx.Done()
	w.mu.Lock()
	w.ended = true
	last := w.services
	w.mu.Unlock()
	for _, s := range last {
		s.endAsking()
	}
	w.running.Wait()
	return nil
}

// start runs f in a goroutine of the Watch, unless the Watch has ended.
func (w *Watch) start(f func()) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.startLocked(f)
}

func (w *Watch) startLocked(f func()) bool {
	if w.ended {
		return false
	}
	w.running.Go(f)
	return true
}

// do carries out an effect. It runs in the keeper's goroutine and must not block.
func (s *service) do(effect decide.Effect) {
	switch effect := effect.(type) {
	case decide.Probe:
		s.logger.Trace("probe sent", "server", effect.Addr)
		s.prober(effect.Addr, func(p *prober) {
			p.role, p.node, p.afresh = true, effect.Node, p.afresh || effect.Afresh
		})
	case decide.Chase:
		s.logger.Trace("candidate probed", "server", effect.Addr, "duration", effect.For.String())
		until := time.Now().Add(effect.For)
		s.prober(effect.Addr, func(p *prober) { p.chaseUntil, p.node = until, effect.Node })
	case decide.Refresh:
		s.logger.Trace("topology queried", "servers", effect.Ask)
		switch {
		case len(s.Sentinels) > 0:
			s.watch.askFollowers(s, effect.Ask)
		case len(s.Cluster) > 0:
			for _, addr := range effect.Ask {
				s.prober(addr, func(p *prober) { p.slots = true })
			}
		default:
			nudge(s.resolveNow)
		}
	}
}

// observe hands an observation to the keeper.
func (s *service) observe(o topology.Observation) {
	if s.tap != nil {
		s.tap(o)
	}
	s.trace(o)
	s.keeper.ObserveSince(s.ctx, s.reseeds, o)
}

// trace logs an observation in a few facts. Messages of Sentinels are left out: "+set" has passwords in it.
func (s *service) trace(o topology.Observation) {
	if !s.logger.IsDebug() {
		return
	}
	switch o := o.(type) {
	case topology.SentinelMessage:
		s.logger.Debug("sentinel message", "sentinel", o.Sentinel, "channel", o.Channel)
	case topology.SentinelReport:
		s.logger.Trace("sentinel replied", "sentinel", o.Sentinel, "primary", o.Primary, "config-epoch", o.ConfigEpoch,
			"replicas", len(o.Replicas), "failing-over", o.FailingOver)
	case topology.SentinelLost:
		s.logger.Trace("sentinel query failed", "sentinel", o.Sentinel, "error", o.Why)
	case topology.SlotsSeen:
		s.logger.Trace("slots received", "server", o.Asked, "shards", len(o.Shards), "rejected", o.Refused)
	case topology.RoleSeen:
		s.logger.Trace("role received", "server", o.Addr, "role", o.Role.String(), "offset", o.Offset, "run-id", o.RunID,
			"primary", o.Primary)
	case topology.NodeLost:
		s.logger.Trace("probe failed", "server", o.Addr, "error", o.Why)
	case topology.NodeBusy:
		s.logger.Trace("probe answered BUSY", "server", o.Addr, "error", o.Words)
	case topology.Resolved:
		s.logger.Trace("name resolved", "name", o.Name, "addresses", o.Addrs)
	}
}

func (s *service) log(e decide.Event) {
	switch e.Kind {
	case decide.Alarm, decide.SentinelGone, decide.NodeGone, decide.NodeIsBusy, decide.ReplicaUnused,
		decide.Held, decide.Fenced:
		s.logger.Warn(e.Kind.String(), e.Pairs()...)
	case decide.SlotsMoved:
		// A resharding moves thousands of slots, one by one.
		s.logger.Debug(e.Kind.String(), e.Pairs()...)
	default:
		s.logger.Info(e.Kind.String(), e.Pairs()...)
	}
}

// nudge wakes the reader of a channel of capacity one; several nudges before it reads count as one.
func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// pause waits for d or for ctx; false if ctx has ended.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// backoff returns the wait before the next try after n failures in a row: 0 for n = 0, then 20 ms doubling up to
// longest, and a random time between half and all of that, so that many gateways do not try in step.
func backoff(n int, longest time.Duration) time.Duration {
	if n <= 0 {
		return 0
	}
	d := min(20*time.Millisecond<<min(n-1, 16), longest)
	return d/2 + rand.N(d/2+1)
}

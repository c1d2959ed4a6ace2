// Package gateway assembles the product: it turns a config.Gateway into services, keepers, workers and listeners, and
// starts, drains and stops them. It knows all rooms and decides little.
package gateway

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"evergate/gateway/accept"
	"evergate/gateway/access"
	"evergate/gateway/admin"
	"evergate/gateway/certs"
	"evergate/gateway/config"
	"evergate/gateway/dial"
	"evergate/gateway/fanout"
	"evergate/gateway/limits"
	"evergate/gateway/loop"
	"evergate/gateway/measured"
	"evergate/gateway/observe"
	"evergate/gateway/outage"
	"evergate/gateway/policy"
	"evergate/gateway/pubsub"
	"evergate/gateway/shared"
	"evergate/gateway/status"
	"evergate/gateway/upstream"
	"evergate/gateway/worker"
	"evergate/topology"
	"evergate/topology/keeper"
	"evergate/topology/watch"
)

// Gateway is one running gateway. Use:
//
//	g, err := gateway.New(conf, logger)
//	err = g.Start()     // listens; upstreams may come up later
//	...
//	err = g.Drain(ctx)  // finish what is under way
//	err = g.Close()
type Gateway struct {
	inUse
	// workers are what they are configured with, userLimits the limits of users by sub-service. They never change.
	workers    []atomic.Pointer[worker.Config]
	userLimits atomic.Pointer[[]userLimits]
	logger     hclog.Logger
	watch      *watch.Watch
	keepers    []*keeper.Keeper
	// subServices are the services that the workers know, each with its gate; the IDs of listeners are behind theirs.
	subServices []subService
	gates       []*gate
	denials     []*shared.Denials // of each service of the config
	guesses     *shared.Guesses
	*audit
	// scripts are those that each service of the config has forwarded.
	scripts []*shared.Scripts
	// longScripts counts the workers of each service of the config where one has been under way for a while.
	longScripts []atomic.Int32
	prints      *shared.Prints // the short numbers by which SCAN cursors name servers
	directory   atomic.Pointer[directory]
	// failovers has those of each service, as its events report them.
	failovers []*status.Failovers
	observer  *observe.Observer
	// rounds are the rounds of INFO requests to the servers of each service.
	rounds []*rounds
	entry
	*measured.Measured
	*notices
	snapshots snapshots
	// watching counts the monitoring clients of each loop, monitors those of each service.
	watching    []atomic.Int32
	monitors    []monitors
	dialer      *dial.Dialer
	upstreamLog *outage.Servers
	census      []*census // of each service
	unserved    []*outage.Service
	started     time.Time
	runID       string
	number      atomic.Int64 // of the last client
	// accounts has what users and addresses may do in a second.
	accounts *limits.Rates
	// clientMemory is how many bytes are kept for the clients of all workers.
	clientMemory atomic.Int64
	userMemory   userMemories
	// asks has one element for each question about a user that is under way.
	asks chan struct{}
	// material is the TLS of all services, readCerts has its files read at once.
	material  atomic.Pointer[material]
	readCerts chan struct{}
	reloads

	mu        sync.Mutex
	listeners []listener
	onView    []func(service string, v *topology.View)
	ctx       context.Context // of all that runs; ends with Close
	cancel    context.CancelFunc
	// stopAccepting ends accepting, and the handshakes of clients.
	accepting     context.Context
	stopAccepting context.CancelFunc
	stopping      bool // Drain or Close has begun
	closed        bool
}

// New validates conf and returns a gateway that has not started. logger may be nil.
func New(conf config.Gateway, logger hclog.Logger) (*Gateway, error) {
	return newWith(conf, logger, loop.New)
}

// newWith makes a gateway on the given kind of loop.
func newWith(conf config.Gateway, logger hclog.Logger,
	makeLoop func(loop.Config) (loop.Loop, error)) (*Gateway, error) {
	if logger == nil {
		logger = hclog.NewNullLogger()
	}
	conf = conf.Filled()
	if err := conf.Validate(); err != nil {
		return nil, err
	}
	cores := runtime.GOMAXPROCS(0) // the share of a container, if it is limited
	conf.Workers = cmp.Or(conf.Workers, cores)
	id := make([]byte, 20)
	_, _ = rand.Read(id) // never fails (crypto/rand)
	g := &Gateway{logger: logger, started: time.Now(), runID: hex.EncodeToString(id), readCerts: make(chan struct{}, 1)}
	g.current.Store(&conf)
	g.reloads.g, g.reloads.cores = g, cores
	g.watch = watch.New(watch.Options{
		Logger: logger.Named("topology"), DialTimeout: conf.DialTimeout, RefreshInterval: conf.RefreshInterval,
	})
	g.subServices, g.prints, g.guesses = subServicesOf(&conf), shared.NewPrints(), shared.NewGuesses(g.guessed)
	g.directory.Store((&directory{}).with(&conf))
	g.workers = make([]atomic.Pointer[worker.Config], conf.Workers)
	configureWorkers(g, &conf)
	g.descriptors, g.refusals = newDescriptors(&conf, descriptorsLimit()), newRefusals(logger)
	g.addresses, g.accounts = limits.NewAddresses(conf.Limits.ClientsPerAddress), newAccounts(&conf)
	g.asks, g.notices = make(chan struct{}, asksMax), newNotices(&g.inUse, g.subServices)
	g.repeats, g.entry.logger, g.observer = accept.NewRepeats(), logger, newObserver(g)
	g.handshakes = accept.NewHandshakes(conf.Limits.HandshakeMax, logger, g.repeats)
	m, err := newMaterial(conf.Services, nil)
	if err != nil {
		return nil, err
	}
	g.material.Store(m)
	if g.audit, err = newAudit(conf.AuditLog, logger.Named("audit")); err != nil {
		return nil, err
	}
	for i := range conf.Services {
		g.addService(i)
	}
	if g.gates, err = newGates(&conf, g.subServices, g.directory.Load()); err != nil {
		return nil, err
	}
	g.upstreamLog = outage.NewServers(logger.Named("upstream"), conf.Names())
	g.dialer = &dial.Dialer{Timeout: conf.DialTimeout, Servers: g.servers, Logger: logger.Named("upstream")}
	connect := func(ctx context.Context, to upstream.Dial) (net.Conn, upstream.Greeting, error) {
		to.Service = g.subServices[to.Service].service
		began := time.Now()
		conn, met, err := g.dialer.Dial(ctx, to)
		g.upstreamLog.Dialled(to, time.Since(began), err)
		if err == nil && to.Dedicated && !g.descriptors.forPrivate(conn) {
			_ = conn.Close()
			conn, err = nil, errNoDescriptor
		}
		if err != nil && ctx.Err() == nil {
			g.upstreamLog.DialFailed(to, err)
		}
		return conn, met, err
	}
	g.longScripts, g.Measured = make([]atomic.Int32, len(conf.Services)), newMeasured(g)
	g.watching, g.monitors = make([]atomic.Int32, conf.Workers), make([]monitors, len(conf.Services))
	for i := range conf.Workers {
		l, err := makeLoop(loop.Config{Worker: g.newWorker(i), Dial: connect, Logger: logger.Named("loop")})
		if err != nil {
			return nil, fmt.Errorf("making an event loop: %w", err)
		}
		g.loops = append(g.loops, l)
	}
	g.notices.to = g.loops
	return g, nil
}

func (g *Gateway) addService(service int) {
	s := &g.conf().Services[service]
	g.denials = append(g.denials, &shared.Denials{})
	g.scripts = append(g.scripts, shared.NewScripts())
	k := g.watch.Add(watchedBy(g, service))
	k.OnView(func(v *topology.View) {
		if g.logger.IsDebug() {
			g.logger.Named("topology").Debug("view published", "service", s.Name, "epoch", v.Epoch, "shards", v.String())
		}
		g.descriptors.seen(service, v)
		g.wake()
		g.mu.Lock()
		hooks := g.onView
		g.mu.Unlock()
		for _, f := range hooks {
			f(s.Name, v)
		}
	})
	failovers := &status.Failovers{}
	k.OnEvent(failovers.Note)
	g.observer.Follow(k, failovers)
	refusal := outage.NewService(g.logger, s.Name)
	k.OnEvent(refusal.NoteCause)
	g.unserved = append(g.unserved, refusal)
	g.failovers = append(g.failovers, failovers)
	g.rounds = append(g.rounds, &rounds{})
	g.census = append(g.census, &census{})
	k.SetWorkers(g.settlers(service))
	g.keepers = append(g.keepers, k)
}

// env connects the worker of loop i to the rest of the gateway.
func (g *Gateway) env(i int) worker.Env {
	return worker.Env{
		View:   g.viewOf,
		Config: g.workers[i].Load,
		Report: g.report,
		Settled: func(of int, epoch uint64) {
			g.keepers[g.subServices[of].service].Settled(g.settler(of, i), epoch)
		},
		Acked:         g.acks(),
		Users:         func(of int) *access.Users { return g.gates[of].users.Load() },
		Verify:        func(v policy.Verification) { g.verify(i, v) },
		Audit:         g.audit.note,
		AuthDelay:     g.guesses.Delay,
		AuthFailed:    g.guesses.Failed,
		Denied:        func(of int, e access.Entry) { g.denials[g.subServices[of].service].Note(e) },
		Denials:       func(of int) []access.Entry { return g.denials[g.subServices[of].service].Entries() },
		ForgetDenials: func(of int) { g.denials[g.subServices[of].service].Forget() },
		Random:        func(b []byte) { _, _ = rand.Read(b) }, // never fails (crypto/rand)
		Admin:         func(r admin.Request) { g.admin(i, r) },
		Count:         func(of int, q fanout.Count) (int, int) { return g.censusOf(of).ask(q) },
		Counted: func(of int, k fanout.Kind, name string, node topology.NodeID, listeners, conns int) {
			g.censusOf(of).count(k, name, node, listeners, conns)
		},
		Held:             g.hold,
		Slow:             g.NoteSlow,
		Unserved:         func(of int, why string) { g.unserved[g.subServices[of].service].Note(why) },
		Gap:              func(of int, gap pubsub.Gap) { g.gapOver(i, of, gap) },
		Cut:              g.cut,
		Left:             g.addresses.Leaves,
		Malformed:        g.malformed,
		Shown:            func(services []int, line []byte) { g.shown(i, services, line) },
		ScriptSeen:       func(of int, body []byte) { g.scripts[g.subServices[of].service].Seen(body) },
		Script:           func(of int, name []byte) []byte { return g.scripts[g.subServices[of].service].Named(name) },
		ScriptsForgotten: func(of int) { g.scripts[g.subServices[of].service].Forget() },
		LongScripts:      func(of, add int) int { return int(g.longScripts[g.subServices[of].service].Add(int32(add))) },
		Print:            g.prints.Give,
		ClientNumber:     func() int64 { return g.number.Add(1) },
		WallClock:        time.Now,
		Rates:            g.rates(),
	}
}

// viewOf returns the newest view of a sub-service; a Sentinel facade has none.
func (g *Gateway) viewOf(of int) *topology.View {
	if p := &g.subServices[of]; !p.sentinel {
		return g.keepers[p.service].View()
	}
	return nil
}

// report passes on what a worker saw on a connection.
func (g *Gateway) report(of int, r topology.Report) {
	service := g.subServices[of].service
	g.keepers[service].Report(r)
	g.upstreamLog.Report(service, r)
}

// acks returns one worker's access to the counters of acknowledged writes: it looks up each counter once. It is on the
// path of every write, so there is no map.
func (g *Gateway) acks() func(of int, node topology.NodeID, n int) {
	cells := make([][]*atomic.Uint64, len(g.conf().Services)) // by service and node
	return func(of int, node topology.NodeID, n int) {
		service := g.subServices[of].service
		for int(node) >= len(cells[service]) {
			cells[service] = append(cells[service], g.keepers[service].Acks(topology.NodeID(len(cells[service]))))
		}
		cells[service][node].Add(uint64(n))
	}
}

// OnView registers f, to be called with each new view of a service. It must not block. Only before Start.
func (g *Gateway) OnView(f func(service string, v *topology.View)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.onView = append(g.onView, f)
}

// Start listens and serves. The upstreams need not be up: until they are, clients get LOADING.
func (g *Gateway) Start() error {
	if os.Getenv("GOMAXPROCS") == "" {
		// The loops' threads never yield to other goroutines; those get threads of their own.
		runtime.GOMAXPROCS(max(runtime.GOMAXPROCS(0), g.conf().Workers+2))
	}
	g.descriptors.warn(g.logger)
	if err := g.listen(); err != nil {
		g.closeListeners()
		return err
	}
	if err := g.observer.Listen(listenOn); err != nil {
		g.closeListeners()
		return err
	}
	g.descriptors.spares.setAside()
	ctx, cancel := context.WithCancel(context.Background())
	g.mu.Lock()
	g.ctx, g.cancel = ctx, cancel
	g.accepting, g.stopAccepting = context.WithCancel(ctx)
	g.mu.Unlock()
	for _, l := range g.loops {
		g.running.Go(l.Run)
	}
	g.running.Go(func() {
		if err := g.watch.Run(ctx); err != nil && ctx.Err() == nil {
			g.logger.Error("topology watch ended", "error", err)
		}
	})
	g.running.Go(g.audit.run)
	g.running.Go(func() { g.upstreamLog.Run(ctx, g.View) })
	g.running.Go(func() { g.refusals.run(ctx, g.descriptors.clientsMax) })
	g.running.Go(func() { limits.Reclaim(ctx, g.clientMemory.Load) })
	g.running.Go(func() {
		certs.Follow(ctx, func() *certs.Set { return &g.material.Load().Set }, g.readCerts, g.logger.Named("tls"))
	})
	for i, u := range g.unserved {
		g.running.Go(func() { u.Run(ctx, func() *topology.View { return g.View(i) }) })
	}
	for i, gt := range g.gates {
		if slices.Index(g.gates, gt) == i {
			named := g.logger.Named(g.conf().Services[g.subServices[i].service].Name)
			g.running.Go(func() { gt.follow(ctx, named, g.wake) })
		}
	}
	for _, ln := range g.listeners {
		g.running.Go(func() {
			await(g.accepting, g.keepers[ln.service].Known())
			g.accept(g.accepting, ln)
		})
	}
	g.observer.Start(ctx, g.running.Go)
	return nil
}

// Addrs are the addresses of the listeners, in the order of the configuration.
func (g *Gateway) Addrs() []net.Addr {
	g.mu.Lock()
	defer g.mu.Unlock()
	addrs := make([]net.Addr, len(g.listeners))
	for i, ln := range g.listeners {
		addrs[i] = ln.Addr()
	}
	return addrs
}

// View returns the newest view of a service, by its index in the configuration; nil while there is none.
func (g *Gateway) View(service int) *topology.View { return g.keepers[service].View() }

// Version is the version of this build; see status.Version.
func Version() string { return status.Version() }

// Revision is the commit of this build, empty when not known; see status.Revision.
func Revision() (revision string, modified bool) { return status.Revision() }

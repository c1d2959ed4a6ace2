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
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"evergate/gateway/accept"
	"evergate/gateway/access"
	"evergate/gateway/admin"
	"evergate/gateway/certs"
	"evergate/gateway/config"
	"evergate/gateway/descriptors"
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
	// workers are what they are configured with. They never change.
	workers []atomic.Pointer[worker.Config]
	logger  hclog.Logger
	watch   *watch.Watch
	roster  atomic.Pointer[roster]
	// places is how many sub-services there may be in the life of the gateway. nowhere stands for those that are gone.
	places    int
	nowhere   *service
	directory atomic.Pointer[directory]
	guesses   *shared.Guesses
	*audit
	prints   *shared.Prints // the short numbers by which SCAN cursors name servers
	observer *observe.Observer
	entry
	*measured.Measured
	*notices
	snapshots snapshots
	// watching counts the monitoring clients of each loop.
	watching    []atomic.Int32
	dialer      *dial.Dialer
	upstreamLog *outage.Servers
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
		Logger: logger.Named("topology"), ClientName: watch.ClientNames + g.runID[:12], DialTimeout: conf.DialTimeout,
		RefreshInterval: conf.RefreshInterval,
	})
	g.prints, g.guesses = shared.NewPrints(), shared.NewGuesses(g.guessed)
	r := (&roster{}).with(&conf)
	g.places = len(r.parts) + placesMore
	d := (&directory{first: g.places}).with(&conf, r)
	g.roster.Store(r)
	g.directory.Store(d)
	g.workers = make([]atomic.Pointer[worker.Config], conf.Workers)
	configureWorkers(g, &conf)
	g.descriptors = descriptors.New(&conf, descriptors.Limit(), adminDescriptors(&conf))
	g.refusals = descriptors.NewRefusals(logger)
	g.addresses, g.accounts = limits.NewAddresses(conf.Limits.ClientsPerAddress), newAccounts(&conf)
	g.asks = make(chan struct{}, asksMax)
	g.notices = newNotices(func() []subService { return g.roster.Load().parts })
	g.repeats, g.entry.logger, g.observer = accept.NewRepeats(), logger, newObserver(g)
	g.handshakes = accept.NewHandshakes(conf.Limits.HandshakeMax, logger, g.repeats)
	g.Measured, g.watching = newMeasured(g), make([]atomic.Int32, conf.Workers)
	m, err := newMaterial(conf.Services, nil)
	if err != nil {
		return nil, err
	}
	g.material.Store(m)
	gates, err := newGates(&conf, r, d)
	if err != nil {
		return nil, err
	}
	if g.audit, err = newAudit(conf.AuditLog, logger.Named("audit")); err != nil {
		return nil, err
	}
	if g.nowhere, err = g.newNowhere(); err != nil {
		return nil, err
	}
	for i, s := range r.services {
		g.prepare(s, &conf.Services[i], m.of[i], gates[i])
	}
	g.upstreamLog = outage.NewServers(logger.Named("upstream"))
	g.dialer = &dial.Dialer{Timeout: func() time.Duration { return g.conf().DialTimeout }, Servers: g.servers,
		Logger: logger.Named("upstream")}
	for i := range conf.Workers {
		l, err := makeLoop(loop.Config{Worker: g.newWorker(i), Dial: g.connect, Logger: logger.Named("loop")})
		if err != nil {
			return nil, fmt.Errorf("making an event loop: %w", err)
		}
		g.loops = append(g.loops, l)
	}
	g.notices.to = g.loops
	return g, nil
}

// connect opens a connection to a server for a worker.
func (g *Gateway) connect(ctx context.Context, to upstream.Dial) (net.Conn, upstream.Greeting, error) {
	service, began := g.of(to.Service).name, time.Now()
	conn, met, err := g.dialer.Dial(ctx, to)
	g.upstreamLog.Dialled(service, to, time.Since(began), err)
	if err == nil && to.Dedicated && !g.descriptors.ForDedicated(conn) {
		_ = conn.Close()
		conn, err = nil, descriptors.ErrNone
	}
	if err != nil && ctx.Err() == nil {
		g.upstreamLog.DialFailed(service, to, err)
	}
	return conn, met, err
}

// env connects the worker of loop i to the rest of the gateway.
func (g *Gateway) env(i int) worker.Env {
	return worker.Env{
		View:   g.viewOf,
		Config: g.workers[i].Load,
		Report: g.report,
		Settled: func(of int, epoch uint64) {
			g.of(of).Keeper.Settled(i, epoch)
		},
		Acked:         g.acks(),
		Users:         func(of int) *access.Users { return g.part(of).users().Users() },
		Verify:        func(v policy.Verification) { g.verify(i, v) },
		Audit:         g.audit.note,
		AuthDelay:     g.guesses.Delay,
		AuthFailed:    g.guesses.Failed,
		Denied:        func(of int, e access.Entry) { g.of(of).denials.Note(e) },
		Denials:       func(of int) []access.Entry { return g.of(of).denials.Entries() },
		ForgetDenials: func(of int) { g.of(of).denials.Forget() },
		Random:        func(b []byte) { _, _ = rand.Read(b) }, // never fails (crypto/rand)
		Admin:         func(r admin.Request) { g.admin(i, r) },
		Count:         func(of int, q fanout.Count) (int, int) { return g.of(of).census.ask(q) },
		Counted: func(of int, k fanout.Kind, name string, node topology.NodeID, listeners, conns int) {
			g.of(of).census.count(k, name, node, listeners, conns)
		},
		Held:             g.hold,
		Slow:             g.NoteSlow,
		Unserved:         func(of int, why string) { g.of(of).unserved.Note(why) },
		Gap:              func(of int, gap pubsub.Gap) { g.gapOver(i, of, gap) },
		Cut:              g.cut,
		Unblock:          func(of int, addr string, client int64) { g.of(of).direct.Unblock(addr, client) },
		Left:             g.addresses.Leaves,
		Malformed:        g.malformed,
		Shown:            func(services []int, line []byte) { g.shown(i, services, line) },
		ScriptSeen:       func(of int, body []byte) { g.of(of).scripts.Seen(body) },
		Script:           func(of int, name []byte) []byte { return g.of(of).scripts.Named(name) },
		ScriptsForgotten: func(of int) { g.of(of).scripts.Forget() },
		LongScripts:      func(of, add int) int { return int(g.of(of).longScripts.Add(int32(add))) },
		Print:            g.prints.Give,
		ClientNumber:     func() int64 { return g.number.Add(1) },
		WallClock:        time.Now,
		Rates:            g.rates(),
	}
}

// viewOf returns the newest view of a sub-service; a Sentinel facade has none.
func (g *Gateway) viewOf(of int) *topology.View {
	if p := g.part(of); !p.sentinel {
		return p.service.view()
	}
	return nil
}

// report passes on what a worker saw on a connection.
func (g *Gateway) report(of int, r topology.Report) {
	s := g.of(of)
	s.Keeper.Report(r)
	g.upstreamLog.Report(s.name, r)
}

// acks returns one worker's access to the counters of acknowledged writes: it looks up each counter once. It is on the
// path of every write, so there is no map.
func (g *Gateway) acks() func(of int, node topology.NodeID, n int) {
	var cells [][]*atomic.Uint64 // by sub-service and node
	return func(of int, node topology.NodeID, n int) {
		for of >= len(cells) {
			cells = append(cells, nil)
		}
		for int(node) >= len(cells[of]) {
			cells[of] = append(cells[of], g.of(of).Keeper.Acks(topology.NodeID(len(cells[of]))))
		}
		cells[of][node].Add(uint64(n))
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
	g.descriptors.Warn(g.logger)
	if err := g.listen(); err != nil {
		g.closeListeners()
		return err
	}
	admin, err := g.observer.Open(&g.conf().Admin, listenOn)
	if err != nil {
		g.closeListeners()
		return err
	}
	admin.Use()
	g.descriptors.SetAside()
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
	g.running.Go(func() { g.upstreamLog.Run(ctx, g.viewNamed) })
	g.running.Go(func() { g.refusals.Run(ctx, g.descriptors.ClientsMax) })
	g.running.Go(func() { limits.Reclaim(ctx, g.clientMemory.Load) })
	g.running.Go(func() {
		certs.Follow(ctx, func() *certs.Set { return &g.material.Load().Set }, g.readCerts, g.logger.Named("tls"))
	})
	for _, s := range g.roster.Load().services {
		g.runService(ctx, s)
	}
	for _, ln := range g.listeners {
		g.acceptAt(g.accepting, ln)
	}
	g.observer.Start(ctx, g.run)
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
func (g *Gateway) View(service int) *topology.View { return g.roster.Load().services[service].view() }

// viewNamed returns the newest view of the service of a name; nil if there is none.
func (g *Gateway) viewNamed(name string) *topology.View {
	if s := g.roster.Load().named(name); s != nil {
		return s.view()
	}
	return nil
}

// Version is the version of this build; see status.Version.
func Version() string { return status.Version() }

// Revision is the commit of this build, empty when not known; see status.Revision.
func Revision() (revision string, modified bool) { return status.Revision() }

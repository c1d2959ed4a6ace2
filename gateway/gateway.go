package gateway

import (
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

	"evergate/gateway/loop"
	"evergate/gateway/resp"
	"evergate/gateway/status"
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
	conf    Config
	logger  hclog.Logger
	watch   *watch.Watch
	keepers []*topology.Keeper
	gates   []*gate
	scripts []*scripts
	// failovers are those of each service, as its events tell them.
	failovers []*status.Failovers
	loops     []loop.Loop
	lanes     *laneLog
	running   sync.WaitGroup
	started   time.Time
	runID     string
	number    atomic.Int64 // of the last client
	refused   atomic.Uint64

	mu        sync.Mutex
	listeners []listener
	onView    []func(service string, v *topology.View)
	cancel    context.CancelFunc
	closed    bool
}

// New checks conf and makes a gateway that does nothing yet. logger may be nil.
func New(conf Config, logger hclog.Logger) (*Gateway, error) {
	return newWith(conf, logger, loop.New)
}

// newWith makes a gateway on the given kind of loop.
func newWith(conf Config, logger hclog.Logger, makeLoop func(loop.Config) (loop.Loop, error)) (*Gateway, error) {
	if logger == nil {
		logger = hclog.NewNullLogger()
	}
	conf = conf.Filled()
	if err := conf.Validate(); err != nil {
		return nil, err
	}
	if conf.Workers == 0 {
		conf.Workers = runtime.GOMAXPROCS(0) // what a container may use, where it is limited
	}
	id := make([]byte, 20)
	_, _ = rand.Read(id) // never fails (crypto/rand)
	g := &Gateway{conf: conf, logger: logger, started: time.Now(), runID: hex.EncodeToString(id)}
	g.watch = watch.New(watch.Options{
		Logger: logger.Named("topology"), DialTimeout: conf.DialTimeout, RefreshInterval: conf.RefreshInterval,
	})
	for i := range conf.Services {
		if err := g.addService(&conf.Services[i]); err != nil {
			return nil, err
		}
	}
	g.lanes = newLaneLog(logger.Named("lanes"), conf.Services)
	d := &dialer{timeout: conf.DialTimeout, services: conf.Services, logger: logger.Named("lanes")}
	dial := func(ctx context.Context, to worker.Dial) (net.Conn, int64, error) {
		conn, client, err := d.dial(ctx, to)
		if err != nil && ctx.Err() == nil {
			g.lanes.dialFailed(to.Service, to.Addr, err)
		}
		return conn, client, err
	}
	for i := range conf.Workers {
		w := worker.New(workerConfig(&conf, uint64(i)+uint64(time.Now().UnixNano())), g.env(i))
		l, err := makeLoop(loop.Config{Worker: w, Dial: dial, Logger: logger.Named("loop")})
		if err != nil {
			return nil, fmt.Errorf("making an event loop: %w", err)
		}
		g.loops = append(g.loops, l)
	}
	return g, nil
}

func (g *Gateway) addService(s *Service) error {
	gate, err := newGate(s.Password)
	if err != nil {
		return fmt.Errorf("service %s: %w", s.Name, err)
	}
	g.gates = append(g.gates, gate)
	g.scripts = append(g.scripts, newScripts())
	k := g.watch.Add(s.watched())
	k.OnView(func(v *topology.View) {
		for _, l := range g.loops {
			l.Post(func(*worker.Worker) {})
		}
		g.mu.Lock()
		hooks := g.onView
		g.mu.Unlock()
		for _, f := range hooks {
			f(s.Name, v)
		}
	})
	story := &status.Failovers{}
	k.OnEvent(story.Note)
	g.failovers = append(g.failovers, story)
	k.SetWorkers(g.conf.Workers)
	g.keepers = append(g.keepers, k)
	return nil
}

// read gives the credentials as they are now.
func (c Credentials) read() (user, password string, err error) {
	password, err = c.Password.Read()
	return c.User, password, err
}

func workerConfig(conf *Config, seed uint64) worker.Config {
	limits := resp.DefaultLimits()
	limits.BulkBytesMax = conf.Limits.BulkBytesMax
	c := worker.Config{
		Limits: limits, QueryBytesMax: int(conf.Limits.QueryBytesMax), OutputBytesMax: int(conf.Limits.OutputBytesMax),
		HoldSessionsMax: share(conf.Limits.HoldSessionsMax, conf.Workers),
		HoldBytesMax:    share(conf.Limits.HoldBytesMax, conf.Workers),
		IdleMax:         conf.Limits.IdleMax, AuthMax: conf.Limits.AuthMax, Seed: seed,
	}
	_, c.Doors = conf.doors()
	reads := map[ReadPolicy]worker.Reads{ReadPreferReplica: worker.PreferReplica, ReadReplica: worker.OnlyReplica}
	for i := range conf.Services {
		s := &conf.Services[i]
		c.Services = append(c.Services, worker.Service{
			Name: s.Name, Reads: reads[s.Reads], AsksPassword: !s.Password.IsZero(),
			Hold: worker.Hold(s.Hold), SilentAfter: s.SilentAfter,
		})
	}
	return c
}

// env is what the worker of loop i gets from the rest.
func (g *Gateway) env(i int) worker.Env {
	return worker.Env{
		View:    func(s int) *topology.View { return g.keepers[s].View() },
		Report:  g.report,
		Settled: func(s int, epoch uint64) { g.keepers[s].Settled(i, epoch) },
		Acked:   g.acks(),
		Allowed: func(s int, user, password []byte) bool { return g.gates[s].allows(user, password) },
		Ask: func(s int, ref worker.ClientRef, seq uint32, sections []string) {
			g.ask(i, s, ref, seq, sections)
		},
		ScriptSeen:       func(s int, body []byte) { g.scripts[s].seen(body) },
		Script:           func(s int, name []byte) []byte { return g.scripts[s].named(name) },
		ScriptsForgotten: func(s int) { g.scripts[s].forget() },
		ClientNumber:     func() int64 { return g.number.Add(1) },
		WallClock:        time.Now,
	}
}

// report passes on what a worker saw on a lane.
func (g *Gateway) report(service int, r topology.Report) {
	g.keepers[service].Report(r)
	g.lanes.report(service, r)
}

// acks makes one worker's way to the counters of acknowledged writes: it looks each of them up once. It is on the
// path of every write, so there is no map.
func (g *Gateway) acks() func(service int, node topology.NodeID, n int) {
	cells := make([][]*atomic.Uint64, len(g.conf.Services)) // by service and node
	return func(service int, node topology.NodeID, n int) {
		for int(node) >= len(cells[service]) {
			cells[service] = append(cells[service], g.keepers[service].Acks(topology.NodeID(len(cells[service]))))
		}
		cells[service][node].Add(uint64(n))
	}
}

// OnView has f called with each new view of a service. It must not block. Only before Start.
func (g *Gateway) OnView(f func(service string, v *topology.View)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.onView = append(g.onView, f)
}

// Start listens and serves. Nothing behind the gateway need be up: clients are told LOADING until it is.
func (g *Gateway) Start() error {
	if os.Getenv("GOMAXPROCS") == "" {
		// The loops' threads do not give way to other goroutines by themselves; those get their own.
		runtime.GOMAXPROCS(max(runtime.GOMAXPROCS(0), g.conf.Workers+2))
	}
	if err := g.listen(); err != nil {
		g.closeListeners()
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	g.mu.Lock()
	g.cancel = cancel
	g.mu.Unlock()
	for _, l := range g.loops {
		g.running.Go(l.Run)
	}
	g.running.Go(func() {
		if err := g.watch.Run(ctx); err != nil && ctx.Err() == nil {
			g.logger.Error("watching the topology ended", "error", err)
		}
	})
	g.running.Go(func() { g.lanes.run(ctx, g.View) })
	for i, gt := range g.gates {
		g.running.Go(func() { gt.follow(ctx, g.logger.Named(g.conf.Services[i].Name)) })
	}
	for _, ln := range g.listeners {
		g.running.Go(func() { g.accept(ctx, ln) })
	}
	return nil
}

// Drain stops accepting, lets every client's commands that are under way finish, and closes each client at a command
// boundary. It returns when all are gone or ctx has ended.
func (g *Gateway) Drain(ctx context.Context) error {
	g.closeListeners()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		for _, l := range g.loops {
			l.Post(func(w *worker.Worker) { w.Drain() })
		}
		left := 0
		for _, l := range g.loops {
			left += l.Clients()
		}
		if left == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d clients were not done in time: %w", left, ctx.Err())
		case <-tick.C:
		}
	}
}

// Close ends everything at once. It returns when all goroutines have ended.
func (g *Gateway) Close() error {
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return nil
	}
	g.closed = true
	cancel := g.cancel
	g.mu.Unlock()
	g.closeListeners()
	if cancel == nil { // never started
		return nil
	}
	cancel()
	for _, l := range g.loops {
		l.Stop()
	}
	g.running.Wait()
	return nil
}

// Addrs are the addresses that are listened on, in the order of the configuration.
func (g *Gateway) Addrs() []net.Addr {
	g.mu.Lock()
	defer g.mu.Unlock()
	addrs := make([]net.Addr, len(g.listeners))
	for i, ln := range g.listeners {
		addrs[i] = ln.Addr()
	}
	return addrs
}

// View is the newest view of a service, by its place in the configuration; nil while nothing is known.
func (g *Gateway) View(service int) *topology.View { return g.keepers[service].View() }

// Version is the version of this build; see status.Version.
func Version() string { return status.Version() }

// Revision is the commit of this build, empty when not known; see status.Revision.
func Revision() (revision string, modified bool) { return status.Revision() }

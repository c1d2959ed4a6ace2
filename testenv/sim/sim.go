// Package sim runs the real worker, and the real decide.State, against fake servers, fake Sentinels, fake clients, a
// fake network and a fake clock. Everything follows from one seed, so a failure can be had again.
//
//	if f := sim.Run(scenario.Options{Seed: 7, Cluster: true}); f != nil {
//		t.Fatal(f)
//	}
//
// With Oracle one worker is shown views by who knows everything: nodes die, freeze and run what lies in their sockets
// when they thaw, change their roles and refuse; connections break at any byte; slots move; the control plane is late,
// or wrong for a while. With Sentinels several workers share a State, which knows only what Sentinels and servers tell
// it, late, twice or never: servers replicate, restart with old data or none and are cut off; Sentinels vote, abort,
// die in the middle and lie. With Bus the same is done to a cluster, whose nodes each have a picture of their own. Then
// all heals, and what the clients were told is held against what the nodes did: package ledger says what must hold of
// answers, package judge what must hold of views. The Net of the loop (package play), which is here, can be made to
// break its side of the bargain (scenario.Bug); each such way must be found.
package sim

import (
	"fmt"
	"strings"
	"time"

	"evergate/gateway/fanout"
	"evergate/gateway/freshness"
	"evergate/gateway/maintenance"
	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/testenv/sim/clients"
	"evergate/testenv/sim/control"
	"evergate/testenv/sim/faults"
	"evergate/testenv/sim/judge"
	"evergate/testenv/sim/ledger"
	"evergate/testenv/sim/network"
	"evergate/testenv/sim/redis"
	"evergate/testenv/sim/scenario"
	"evergate/testenv/sim/sentinel"
	"evergate/topology"
)

// Failure is what went wrong first, and what happened before it.
type Failure struct {
	Options scenario.Options
	Fault   string
	Trace   []string
}

func (f *Failure) Error() string {
	return fmt.Sprintf("%+v: %s\n%s", f.Options, f.Fault, strings.Join(f.Trace, "\n"))
}

const (
	rounds   = 1500
	quietMax = 60 * time.Second
	// stormLasts is how long faults happen where the State is real.
	stormLasts = 12 * time.Second
)

// Run plays one seed. It returns nil when all that must hold held.
func Run(o scenario.Options) *Failure {
	return playWorld(o).failure()
}

// failure is what went wrong, or nil.
func (w *world) failure() *Failure {
	if w.Ledger.Fault == "" {
		return nil
	}
	return &Failure{Options: w.Options, Fault: w.Ledger.Fault, Trace: w.Trace}
}

// world is one run.
type world struct {
	*redis.Servers
	sentinels *sentinel.Sentinels
	control   plane
	judge     *judge.Judge // nil with Oracle
	faults    *faults.Faults
	clients   *clients.Group
	gates     []*gate
	// census counts who listens, for all workers.
	census fanout.Census
	// clientSocket is how many bytes lie in a client's socket, outputMax how many the gateway keeps for one.
	clientSocket, outputMax int
	// memoryMax is how many bytes the gateway keeps for all clients, 0 for any number; memory is how many it keeps.
	memoryMax, memory int
	// nextUsers is when users change next, reloadsHeld is how often they have while a shard had no primary.
	nextUsers   time.Duration
	reloadsHeld int
	// nextSettings is when settings change next, settings how often they have, settingsHeld how often while clients of a
	// worker waited.
	nextSettings           time.Duration
	settings, settingsHeld int
	// drainAt is the round in which the gateway begins to drain, if it does.
	drainAt int
	turns   int
	numbers int64
	// poller proves which replicas have what was written; nil where any may serve reads.
	poller *control.Poller
	// lastReply is when the gateway had sent the last reply to each client, outlived how many writes that all replicas had
	// confirmed have outlived the time of their primary.
	lastReply map[int]time.Duration
	outlived  int
	// stale has the connections that workers have lost, and servers perhaps not: of all services, which have the same
	// servers.
	stale upstream.KillList
	// held is what workers hold, of which clients are notified.
	held *maintenance.Services
}

// plane is who makes the views: the oracle, or the keeper.
type plane interface {
	Turn()
	Report(topology.Report)
	Shown() *topology.View
	Settled(worker int, epoch uint64)
	Acked(node topology.NodeID, n int)
}

// build makes all that takes part in a run.
func build(o scenario.Options) *world {
	w := &world{clientSocket: 24 << 10, outputMax: 3 << 20, lastReply: map[int]time.Duration{}}
	w.held = maintenance.NewServices(3)
	if o.Seed%5 == 0 && !o.Planned { // clients that read slowly are cut soon
		w.outputMax, w.clientSocket = 80<<10, 1<<10
		w.memoryMax = 160 << 10
	}
	if o.Seed%4 == 1 && o.Voice == scenario.Oracle {
		w.drainAt = rounds / 2
	}
	// Where the State is real a primary may lack what another one acknowledged: that is the judge's business.
	promised := ledger.Promises{Sharded: o.Sharded(), PopsRetried: o.BlockingLost == scenario.RetryPop,
		Confirmed: o.Acks.Asked(),
		Fresh:     (o.Reads == session.FromPrimary || o.Consistency == session.Gateway) && o.Voice == scenario.Oracle}
	if o.RealState() {
		promised.Left = func(e *ledger.Execution) bool { return w.judge.Left(e) }
	}
	l := ledger.New(promised)
	w.Servers = redis.New(network.New(o), l, func(n *redis.Node, at int) {
		if w.judge != nil {
			w.judge.Ran(n, at)
		}
	})
	if o.Consistency != session.Eventual {
		w.poller = control.NewPoller(w.Servers)
		w.Servers.Reads = func(n *redis.Node, at int, keys []string) {
			if w.judge != nil {
				w.judge.Read(n, at, keys)
			}
		}
	}
	var oracle *control.Oracle
	var keeper *control.Keeper
	if o.RealState() {
		keeper = w.buildReal()
		w.control = keeper
	} else {
		w.sentinels = sentinel.New(w.Servers, nil)
		w.makeGates(1)
		oracle = control.NewOracle(w.Servers, w.published)
		w.control = oracle
	}
	w.faults = faults.New(w.sentinels, oracle, keeper, faults.Gateway{Workers: len(w.gates),
		Stall:  func(worker int, d time.Duration) { w.gates[worker].stall(d) },
		Agreed: func() bool { return w.judge.Disagreement() == "" }})
	w.clients = clients.New(w.Net, l, len(w.gates), clients.Gateway{Answered: w.answered, Drains: w.drains,
		Keys: w.Everywhere, OverLimits: func(worker int) uint64 { return w.gates[worker].overLimits() }})
	return w
}

// buildReal makes the Sentinels, where there are any, one to three workers, and the State that they share.
func (w *world) buildReal() (k *control.Keeper) {
	w.sentinels = sentinel.New(w.Servers, func(o topology.Observation) { k.Observe(o) })
	w.makeGates(1 + w.Rnd.IntN(3))
	w.judge = judge.New(w.sentinels)
	k = control.NewKeeper(w.sentinels, len(w.gates), w.judge.Event, w.published)
	return k
}

// published takes a view before the workers do.
func (w *world) published(v *topology.View) {
	if w.poller != nil {
		w.poller.Published(v)
	}
	if w.judge != nil {
		w.judge.Published(v)
	}
}

// fresh has the writes in flight of all workers; nil where each may have its own.
func (w *world) fresh() *freshness.Service {
	if w.poller == nil {
		return nil
	}
	return w.poller.Service
}

func (w *world) makeGates(count int) {
	for i := range count {
		w.gates = append(w.gates, w.makeGate(i, count))
	}
}

// answered has a reply held against what was promised.
func (w *world) answered(r *ledger.Request, reply []byte) {
	w.Ledger.TooEarly(r, reply, w.holdMax())
	w.checkAcks(r, reply)
	if w.judge != nil {
		w.judge.Answered(r, reply)
	}
}

func playWorld(o scenario.Options) *world {
	w := build(o)
	for w.turns = 0; w.goesOn() && w.Ledger.Fault == ""; w.turns++ {
		w.faults.Fate()
		w.changeUsers()
		w.changeSettings()
		w.round()
	}
	if w.Ledger.Fault == "" {
		w.faults.Heal()
		w.clients.Heal()
		w.healUsers()
		for _, g := range w.gates {
			g.heal()
		}
		w.untilQuiet()
	}
	if w.Ledger.Fault == "" {
		w.checkQuiet()
	}
	return w
}

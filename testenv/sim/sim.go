// Package sim runs the real worker, and the real topology.State, against fake servers, fake Sentinels, fake clients, a
// fake network and a fake clock. Everything follows from one seed, so a failure can be had again.
//
//	if f := sim.Run(sim.Options{Seed: 7, Cluster: true}); f != nil {
//		t.Fatal(f)
//	}
//
// With Oracle one worker is shown views by who knows everything: nodes die, freeze and run what lies in their sockets
// when they thaw, change their roles and refuse; connections break at any byte; slots move; the control plane is late,
// or wrong for a while. With Sentinels several workers share a State, which knows only what Sentinels and servers tell
// it, late, twice or never: servers replicate, restart with old data or none and are cut off; Sentinels vote, abort,
// die in the middle and lie. With Bus the same is done to a cluster, whose nodes each have a picture of their own.
// Then all heals, and what the clients were told is held against what the nodes did:
// ledger.go says what must hold of answers, judge.go what must hold of views. The fake loop can be made to break its
// side of the bargain (Bug); each such way must be found.
package sim

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"evergate/gateway/fanout"
	"evergate/gateway/worker"
	"evergate/topology"
)

// Options of one run. The zero value is a plain primary with replicas that are always up to date, calm.
type Options struct {
	Seed uint64
	// Voice is who tells the gateway what is true.
	Voice Voice
	// Cluster: three shards and slots that move; else one shard. Only with Oracle.
	Cluster bool
	Reads   worker.Reads
	// Async: replicas lag, and a failover may lose what they have not got.
	Async bool
	// Planned: nothing happens but SENTINEL FAILOVER, and nobody is slow. Only with Sentinels.
	Planned bool
	// Listeners: there are clients that subscribe and publish; with CloseOnGap they are closed
	// when they may have missed something.
	Listeners, CloseOnGap bool
	// Bug is what the fake loop does wrong.
	Bug Bug
}

// Voice is who tells the gateway what is true.
type Voice uint8

const (
	// Oracle: views come from who knows everything, late, and wrong for a while.
	Oracle Voice = iota
	// Sentinels: views are made by the real topology.State from what simulated Sentinels and servers say.
	Sentinels
	// Bus: the same for a cluster, from what its nodes say.
	Bus
)

// Failure is what went wrong first, and what happened before it.
type Failure struct {
	Options Options
	Fault   string
	Trace   []string
}

func (f *Failure) Error() string {
	return fmt.Sprintf("%+v: %s\n%s", f.Options, f.Fault, strings.Join(f.Trace, "\n"))
}

const (
	tags     = 8 // hash tags of all keys: eight slots
	rounds   = 1500
	traceMax = 400
	quietMax = 60 * time.Second
	// settleMax is how long all takes to find out that the faults are over.
	settleMax = 10 * time.Second
	// stormLasts is how long faults happen where the State is real.
	stormLasts = 12 * time.Second
)

// world is one run.
type world struct {
	o       Options
	rnd     *rand.Rand
	now     time.Duration
	gates   []*gate
	ledger  ledger
	nodes   []*node
	shards  []*shard
	moving  map[int]*shard // slot -> its next owner
	owners  map[int]*shard // slot -> its owner, where it is not the owner of the range
	planned []planned      // views under way
	view    *topology.View
	epoch   uint64
	// keeper makes the views, judge looks at them; nil with Oracle.
	keeper    *keeper
	judge     *judge
	sentinels []*sentinel
	pace      pace
	stormAt   time.Duration
	coming    []coming // by time
	cuts      map[[2]place]time.Duration
	names     int
	sockets   []*lane // all connections that a node still has
	clients   []*client
	calm      bool
	calmAt    time.Duration
	// formedAt is when a cluster has formed that the gateway sees from its beginning; zero where it sees it later.
	formedAt time.Duration
	// heavy: half of what is written is long. clientSocket is how many bytes lie in a client's socket.
	// drainAt is the round in which the gateway begins to drain, if it does.
	heavy        bool
	drainAt      int
	turn         int
	clientSocket int
	slots        map[string]*topology.View // views made of slots, by owners
	cutOff       int                       // clients that the gateway closed unasked
	trace        []string
	numbers      int64
	lastClient   int64 // of any node
	// census counts who listens; publishes are the messages so far, counted is the answer to the last.
	// feeds are the connections that a node was told to subscribe on.
	census    fanout.Census
	feeds     []*lane
	publishes int
	counted   int64
}

// Run plays one seed. It returns nil when all that must hold held.
func Run(o Options) *Failure {
	return play(o).failure()
}

// failure is what went wrong, or nil.
func (w *world) failure() *Failure {
	if w.ledger.fault == "" {
		return nil
	}
	return &Failure{Options: w.o, Fault: w.ledger.fault, Trace: w.trace}
}

func play(o Options) *world {
	w := &world{o: o, rnd: rand.New(rand.NewPCG(o.Seed, 17)), moving: map[int]*shard{},
		owners: map[int]*shard{}, slots: map[string]*topology.View{}, cuts: map[[2]place]time.Duration{}}
	w.ledger.sharded = o.Cluster || o.Voice == Bus
	// Where the State is real a primary may lack what another one acknowledged: that is the judge's business.
	w.ledger.fresh = o.Reads == worker.FromPrimary && o.Voice == Oracle
	w.heavy, w.clientSocket = o.Seed%9 == 0 && !o.Planned, 24<<10
	outputMax := 3 << 20
	if o.Seed%5 == 0 && !o.Planned { // clients that read slowly are cut soon
		outputMax, w.clientSocket = 80<<10, 1<<10
	}
	if o.Seed%4 == 1 && o.Voice == Oracle {
		w.drainAt = rounds / 2
	}
	w.build(outputMax)
	w.makeClients()
	if o.Listeners {
		w.makeListeners()
	}
	for w.turn = 0; w.goesOn() && w.ledger.fault == ""; w.turn++ {
		w.fate()
		w.round()
	}
	if w.ledger.fault == "" {
		w.heal()
		w.untilQuiet()
	}
	if w.ledger.fault == "" {
		w.checkQuiet()
	}
	return w
}

// goesOn says that the faults are not over.
func (w *world) goesOn() bool {
	if w.o.Voice == Oracle {
		return w.turn < rounds
	}
	return w.now < stormLasts
}

// tracef remembers what happens, the latest last.
func (w *world) tracef(format string, args ...any) {
	if len(w.trace) >= 2*traceMax {
		w.trace = append(w.trace[:0], w.trace[traceMax:]...)
	}
	w.trace = append(w.trace, fmt.Sprintf("%9.3fms ", float64(w.now)/1e6)+fmt.Sprintf(format, args...))
}

// between returns a time in [low, high).
func (w *world) between(low, high time.Duration) time.Duration {
	return low + time.Duration(w.rnd.Int64N(int64(high-low)))
}

// send puts bytes on the way.
func (w *world) send(p *pipe, b []byte) {
	delay := w.between(0, time.Millisecond)
	if w.rnd.IntN(20) == 0 {
		delay = w.between(0, 30*time.Millisecond)
	}
	p.put(w.now+delay, b)
}

func (w *world) makeClients() {
	for i := range 6 + w.rnd.IntN(6) {
		c := &client{
			w: w, number: i, gate: w.gates[i%len(w.gates)], sends: 10 + w.rnd.IntN(60), depth: 1 + w.rnd.IntN(12),
			memory: newMemory(), nextAt: w.between(0, time.Second), leaves: w.rnd.IntN(5) == 0, greet: w.rnd.IntN(2) == 0,
		}
		c.halves = (w.o.Seed+uint64(i))%7 == 0 && !c.leaves
		c.waits = c.halves && i%2 == 0
		if w.o.Voice != Oracle {
			c.sends *= 10
			c.leaves = c.leaves && !w.o.Planned
		}
		w.clients = append(w.clients, c)
	}
}

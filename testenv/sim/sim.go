// Package sim runs the real worker against fake servers, fake clients, a fake network and a fake clock. Everything
// follows from one seed, so a failure can be had again.
//
//	if f := sim.Run(sim.Options{Seed: 7, Cluster: true}); f != nil {
//		t.Fatal(f)
//	}
//
// Nodes die, freeze and run what lies in their sockets when they thaw, change their roles and refuse; connections break
// at any byte; slots move; the control plane is late, or wrong for a while. Then all heals, and what the clients were
// told is held against what the nodes did: ledger.go says what must hold. The fake loop can be made to break its side
// of the bargain (Bug); each such way must be found.
package sim

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/gateway/worker"
	"evergate/topology"
)

// Options of one run. The zero value is a plain primary with replicas that are always up to date, calm.
type Options struct {
	Seed uint64
	// Cluster: three shards and slots that move; else one shard.
	Cluster bool
	Reads   worker.Reads
	// Async: replicas lag, and a failover may lose what they have not got.
	Async bool
	// Bug is what the fake loop does wrong.
	Bug Bug
}

// Bug is a way in which a loop can break its side of the bargain.
type Bug uint8

const (
	NoBug Bug = iota
	// LateWrote tells of what was written to a lane only before the next write.
	LateWrote
	// WroteAll says that all was written when the network took a part.
	WroteAll
	// WrongLane gives what came from one lane to another.
	WrongLane
	// WrongClient writes what one client is owed to another.
	WrongClient
	// NoLaneClosed keeps the end of a connection to itself.
	NoLaneClosed
	// WriteTwice writes a lane's bytes twice.
	WriteTwice
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
	holdMax  = 1500 * time.Millisecond
)

// world is one run.
type world struct {
	o       Options
	rnd     *rand.Rand
	now     time.Duration
	w       *worker.Worker
	ledger  ledger
	nodes   []*node
	shards  []*shard
	moving  map[int]*shard // slot -> its next owner
	owners  map[int]*shard // slot -> its owner, where it is not the owner of the range
	planned []planned      // views under way
	view    *topology.View
	epoch   uint64
	lanes   []*lane // by id: the gateway's side
	sockets []*lane // all connections that a node still has
	clients []*client
	byID    []*client
	calm    bool
	// heavy: half of what is written is long. clientSocket is how many bytes lie in a client's socket.
	// drainAt is the round in which the gateway begins to drain, if it does.
	heavy        bool
	drainAt      int
	turn         int
	clientSocket int
	slots        map[string]*topology.View // views made of slots, by owners
	cut          int                       // clients that the gateway closed unasked
	trace        []string
	numbers      int64
}

// Run plays one seed. It returns nil when all that must hold held.
func Run(o Options) *Failure {
	w := play(o)
	if w.ledger.fault == "" {
		return nil
	}
	return &Failure{Options: w.o, Fault: w.ledger.fault, Trace: w.trace}
}

func play(o Options) *world {
	w := &world{o: o, rnd: rand.New(rand.NewPCG(o.Seed, 17)), moving: map[int]*shard{},
		owners: map[int]*shard{}, slots: map[string]*topology.View{}}
	w.ledger.sharded, w.ledger.fresh = o.Cluster, o.Reads == worker.FromPrimary
	w.heavy, w.clientSocket = o.Seed%9 == 0, 24<<10
	outputMax := 3 << 20
	if o.Seed%5 == 0 { // clients that read slowly are cut soon
		outputMax, w.clientSocket = 80<<10, 1<<10
	}
	if o.Seed%4 == 1 {
		w.drainAt = rounds / 2
	}
	w.build()
	w.makeClients()
	w.w = worker.New(worker.Config{
		Services: []worker.Service{{Name: "main", Reads: o.Reads}}, Limits: resp.DefaultLimits(),
		QueryBytesMax: 1 << 20, OutputBytesMax: outputMax, HoldMax: holdMax, Seed: o.Seed,
	}, worker.Env{
		View:   func(int) *topology.View { return w.view },
		Report: func(_ int, r topology.Report) { w.reported(r) },
		Ask:    func(int, worker.ClientRef, uint32, []string) {},
		ClientNumber: func() int64 {
			w.numbers++
			return w.numbers
		},
		Allowed:   func(int, []byte, []byte) bool { return true },
		WallClock: func() time.Time { return time.Unix(0, int64(w.now)) },
	})
	for w.turn = 0; w.turn < rounds && w.ledger.fault == ""; w.turn++ {
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
		w.clients = append(w.clients, &client{
			w: w, number: i, sends: 10 + w.rnd.IntN(60), depth: 1 + w.rnd.IntN(12), memory: newMemory(),
			nextAt: w.between(0, time.Second), leaves: w.rnd.IntN(5) == 0, greet: w.rnd.IntN(2) == 0,
		})
	}
}

// untilQuiet plays on without faults until every client has had its replies and each side rests.
func (w *world) untilQuiet() {
	end := w.now + quietMax
	for w.now < end && w.ledger.fault == "" {
		w.round()
		if w.rests() {
			return
		}
	}
}

// drains says that no client connects any more.
func (w *world) drains() bool { return w.drainAt > 0 && w.turn > w.drainAt }

func (w *world) rests() bool {
	for _, c := range w.clients {
		never := !c.open && !c.gone && !c.hung && w.drains()
		if c.open && (len(c.waiting) > 0 || c.sends > 0) || !c.open && !c.gone && !never {
			return false
		}
	}
	for _, l := range w.sockets {
		if l.toNode.size+l.toGate.size+len(l.in) > 0 {
			return false
		}
	}
	return true
}

// checkQuiet looks at what must hold when all is over, and ends the clients that are left.
func (w *world) checkQuiet() {
	for _, c := range w.clients {
		if len(c.waiting) > 0 {
			w.ledger.fail("client %d was never answered: %v; on the way %d and %d bytes, stuck %v, quiet %v, gone %v\n%s",
				c.number, c.waiting[0], c.toGate.size, c.toMe.size, c.stuck, c.quiet, c.gone, w.w.AppendClients(nil, 0))
		}
		if c.sends > 0 && c.open {
			w.ledger.fail("client %d could not send", c.number)
		}
	}
	for _, l := range w.sockets {
		if l.toNode.size+l.toGate.size+len(l.in) > 0 {
			w.ledger.fail("lane %d still holds %d+%d+%d bytes", l.id, l.toNode.size, len(l.in), l.toGate.size)
		}
	}
	s := w.w.Snapshot()
	if s.Parked > 0 {
		w.ledger.fail("%d clients are parked after quiet", s.Parked)
	}
	var closed uint64
	for _, n := range s.ClientsClosed {
		closed += n
	}
	if s.ClientsOpened != uint64(s.Clients)+closed {
		w.ledger.fail("opened %d, connected %d, closed %v", s.ClientsOpened, s.Clients, s.ClientsClosed)
	}
	cuts := s.ClientsClosed[session.HalfReply] + s.ClientsClosed[session.OutputLimit] + s.ClientsClosed[session.Drained]
	if uint64(w.cut) > cuts {
		w.ledger.fail("%d clients were closed for no reason: %v", w.cut, s.ClientsClosed)
	}
	for range 500 {
		if w.w.Drain() == 0 {
			break
		}
		w.round()
	}
	if n := w.w.Clients(); n > 0 {
		w.ledger.fail("%d clients are left after a drain", n)
	}
}

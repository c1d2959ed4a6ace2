// Package keeper runs a decide.State: one goroutine that takes observations and reports, and publishes Views and
// events. It decides nothing.
package keeper

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"evergate/topology"
	"evergate/topology/decide"
)

// Sizes of the keeper's queues. Observations wait for room (their senders are goroutines of watch); reports are dropped
// (their senders are workers, which must not wait).
const (
	observationsMax = 256
	reportsMax      = 256
	// settledMax is how many messages of each worker may be queued.
	settledMax = 64
)

// Keeper is the one goroutine around a State. Use:
//
//	keeper := keeper.New(decide.New(settings), clock, carryOut)
//	keeper.OnView(func(v *topology.View) { wake(loops) })
//	go keeper.Run(ctx)
//	keeper.Observe(ctx, topology.RoleSeen{...})
//	view := keeper.View()
type Keeper struct {
	state *decide.State
	clock func() time.Time
	do    func(decide.Effect)
	// beforeView, onView and onEvent are set before Run and then only read.
	beforeView, onView []func(*topology.View)
	onEvent            []func(decide.Event)

	view atomic.Pointer[topology.View]
	// known is closed when there is a view.
	known        chan struct{}
	observations chan observed
	reseeds      chan reseed
	reports      chan topology.Report
	// turns has those that wait for a round of Run.
	turns chan struct{}
	// workers is set before Run; settled has their messages.
	workers int
	settled chan settled
	// acks has a counter for each node that a worker asked for; acksMu guards the map.
	acksMu sync.Mutex
	acks   map[topology.NodeID]*atomic.Uint64
	// offsets are the last replication offsets of nodes, by dial address; offsetsMu guards the map.
	offsetsMu sync.Mutex
	offsets   map[string]int64
	// moved has a bit for each slot with a MOVED in reports: of a storm, one per slot is enough.
	moved [topology.Slots / 64]atomic.Uint64
}

// New wraps state. do executes a Probe or a Refresh, in the keeper's goroutine: it must not block.
func New(state *decide.State, clock func() time.Time, do func(decide.Effect)) *Keeper {
	k := &Keeper{state: state, clock: clock, do: do, observations: make(chan observed, observationsMax),
		reseeds: make(chan reseed), reports: make(chan topology.Report, reportsMax), turns: make(chan struct{}),
		known: make(chan struct{}), acks: map[topology.NodeID]*atomic.Uint64{},
		offsets: map[string]int64{}}
	state.CountAcked(func(node topology.NodeID) uint64 { return k.Acks(node).Load() })
	return k
}

// BeforeView registers f, to be called with each new View before View returns it. f must not block. Only before Run.
func (k *Keeper) BeforeView(f func(*topology.View)) { k.beforeView = append(k.beforeView, f) }

// OnView registers f, to be called with each new View after View returns it. f must not block. Only before Run.
func (k *Keeper) OnView(f func(*topology.View)) { k.onView = append(k.onView, f) }

// OnEvent registers f, to be called with each event before its View is stored. f must not block. Only before Run.
func (k *Keeper) OnEvent(f func(decide.Event)) { k.onEvent = append(k.onEvent, f) }

// View returns the newest View, nil before the first. Any goroutine may call it.
func (k *Keeper) View() *topology.View { return k.view.Load() }

// Known is closed when there is a View.
func (k *Keeper) Known() <-chan struct{} { return k.known }

// Report takes a hint from a worker. It never blocks and never allocates; a hint that does not fit is dropped.
func (k *Keeper) Report(r topology.Report) {
	if r.Kind == topology.Moved {
		if r.Slot < 0 || r.Slot >= topology.Slots {
			return
		}
		bit := uint64(1) << (r.Slot % 64)
		if k.moved[r.Slot/64].Or(bit)&bit != 0 {
			return
		}
	}
	select {
	case k.reports <- r:
	default:
		k.taken(r)
	}
}

// taken admits the next MOVED of the slot.
func (k *Keeper) taken(r topology.Report) {
	if r.Kind == topology.Moved {
		k.moved[r.Slot/64].And(^(uint64(1) << (r.Slot % 64)))
	}
}

// observed is an observation, and how often there had been other settings when it was made.
type observed struct {
	topology.Observation
	reseeds int
}

// reseed has other settings, and what executes effects from then on.
type reseed struct {
	settings decide.Settings
	do       func(decide.Effect)
	taken    chan struct{}
}

// Observe hands over an observation. It waits for room until ctx ends.
func (k *Keeper) Observe(ctx context.Context, o topology.Observation) { k.ObserveSince(ctx, 0, o) }

// ObserveSince is Observe for an observation that was made after so many calls of Reseed. If there were more, it is
// dropped: it may be about other servers.
func (k *Keeper) ObserveSince(ctx context.Context, reseeds int, o topology.Observation) {
	select {
	case k.observations <- observed{o, reseeds}:
	case <-ctx.Done():
	}
}

// Reseed has the state go on with other settings (State.Reseed), and do execute its effects. It returns when that has
// happened, or ctx has ended. Only while Run runs.
func (k *Keeper) Reseed(ctx context.Context, settings decide.Settings, do func(decide.Effect)) {
	r := reseed{settings, do, make(chan struct{})}
	select {
	case k.reseeds <- r:
		<-r.taken
	case <-ctx.Done():
	}
}

// Turn returns when Run is between two steps, or an error when ctx ends before.
func (k *Keeper) Turn(ctx context.Context) error {
	select {
	case k.turns <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Run steps the state until ctx ends.
func (k *Keeper) Run(ctx context.Context) {
	tick := time.NewTicker(topology.TickEvery)
	defer tick.Stop()
	k.step(topology.Tick{})
	settled, all, reseeds := make([]uint64, k.workers), uint64(0), 0
	for {
		select {
		case o := <-k.observations:
			if o.reseeds == reseeds {
				k.step(o.Observation)
			}
		case r := <-k.reseeds:
			reseeds++
			k.do = r.do
			k.state.Reseed(r.settings)
			close(r.taken)
			k.step(topology.Tick{})
		case r := <-k.reports:
			k.taken(r)
			k.step(r)
		case s := <-k.settled:
			settled[s.worker] = max(settled[s.worker], s.epoch)
			if lowest := slices.Min(settled); lowest > all {
				all = lowest
				k.step(topology.Settled{Epoch: all})
			}
		case <-tick.C:
			k.step(topology.Tick{})
		case <-k.turns:
		case <-ctx.Done():
			return
		}
	}
}

// Offset returns the replication offset of a node as it last reported it, by its dial address.
func (k *Keeper) Offset(addr string) (offset int64, known bool) {
	k.offsetsMu.Lock()
	defer k.offsetsMu.Unlock()
	offset, known = k.offsets[addr]
	return offset, known
}

// note remembers the offset that a node reports, until it is lost.
func (k *Keeper) note(o topology.Observation) {
	k.offsetsMu.Lock()
	defer k.offsetsMu.Unlock()
	switch o := o.(type) {
	case topology.RoleSeen:
		if o.Offset >= 0 {
			k.offsets[o.Addr] = o.Offset
		}
	case topology.NodeLost:
		delete(k.offsets, o.Addr)
	}
}

func (k *Keeper) step(o topology.Observation) {
	k.note(o)
	effects, events := k.state.Step(o, k.clock())
	for _, e := range events {
		for _, f := range k.onEvent {
			f(e)
		}
	}
	for _, e := range effects {
		if p, ok := e.(decide.Publish); ok {
			for _, f := range k.beforeView {
				f(p.View)
			}
			if k.view.Swap(p.View) == nil {
				close(k.known)
			}
			for _, f := range k.onView {
				f(p.View)
			}
			continue
		}
		k.do(e)
	}
}

// settled is one worker's message; see Settled.
type settled struct {
	worker int
	epoch  uint64
}

// SetWorkers sets how many workers will call Settled. Only before Run.
func (k *Keeper) SetWorkers(n int) {
	k.workers = n
	k.state.SetBarrier(n > 0)
	k.settled = make(chan settled, settledMax*max(n, 1))
}

// Settled records that a worker (0 to n-1) has stopped using the primaries that the View with this epoch demotes; the
// observation follows when all workers have reached this or a later View. It never blocks: State does not wait for
// ever.
func (k *Keeper) Settled(worker int, epoch uint64) {
	select {
	case k.settled <- settled{worker, epoch}:
	default:
	}
}

// Acks returns the counter of acknowledged writes of a node. A worker adds to it before the client can see the reply.
func (k *Keeper) Acks(node topology.NodeID) *atomic.Uint64 {
	k.acksMu.Lock()
	defer k.acksMu.Unlock()
	c := k.acks[node]
	if c == nil {
		c = new(atomic.Uint64)
		k.acks[node] = c
	}
	return c
}

package topology

import (
	"context"
	"sync/atomic"
	"time"
)

// Sizes of the keeper's queues. Observations wait for room (whoever sees them is a goroutine of watch); reports are
// dropped (whoever sends them is a worker that must not wait).
const (
	observationsMax = 256
	reportsMax      = 256
)

// Keeper is the one goroutine around a State. Use:
//
//	keeper := topology.NewKeeper(topology.NewState(settings), clock, carryOut)
//	keeper.OnView(func(v *topology.View) { wake(loops) })
//	go keeper.Run(ctx)
//	keeper.Tell(ctx, topology.RoleSeen{...})
//	view := keeper.View()
type Keeper struct {
	state *State
	clock func() time.Time
	do    func(Effect)
	// onView and onEvent are set before Run and then only read.
	onView  []func(*View)
	onEvent []func(Event)

	view         atomic.Pointer[View]
	observations chan Observation
	reports      chan Report
	// moved has a bit for each slot whose MOVED waits in reports: of a storm, one a slot is enough.
	moved [Slots / 64]atomic.Uint64
}

// NewKeeper wraps state. do carries out a Probe or a Refresh, in the keeper's goroutine: it must not block.
func NewKeeper(state *State, clock func() time.Time, do func(Effect)) *Keeper {
	return &Keeper{state: state, clock: clock, do: do, observations: make(chan Observation, observationsMax),
		reports: make(chan Report, reportsMax)}
}

// OnView has f called with each new View, after View returns it. f must not block. Only before Run.
func (k *Keeper) OnView(f func(*View)) { k.onView = append(k.onView, f) }

// OnEvent has f called with each event, before the View it is about is stored. f must not block. Only before Run.
func (k *Keeper) OnEvent(f func(Event)) { k.onEvent = append(k.onEvent, f) }

// View is the newest View, nil before the first. Any goroutine may call it.
func (k *Keeper) View() *View { return k.view.Load() }

// Report takes a hint from a worker. It never blocks and never allocates; when too many wait it is dropped.
func (k *Keeper) Report(r Report) {
	if r.Kind == Moved {
		if r.Slot < 0 || r.Slot >= Slots {
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

// taken lets the next MOVED of the slot in.
func (k *Keeper) taken(r Report) {
	if r.Kind == Moved {
		k.moved[r.Slot/64].And(^(uint64(1) << (r.Slot % 64)))
	}
}

// Tell hands over an observation. It waits for room until ctx ends.
func (k *Keeper) Tell(ctx context.Context, o Observation) {
	select {
	case k.observations <- o:
	case <-ctx.Done():
	}
}

// Run steps the state until ctx ends.
func (k *Keeper) Run(ctx context.Context) {
	tick := time.NewTicker(TickEvery)
	defer tick.Stop()
	k.step(Tick{})
	for {
		select {
		case o := <-k.observations:
			k.step(o)
		case r := <-k.reports:
			k.taken(r)
			k.step(r)
		case <-tick.C:
			k.step(Tick{})
		case <-ctx.Done():
			return
		}
	}
}

func (k *Keeper) step(o Observation) {
	effects, events := k.state.Step(o, k.clock())
	for _, e := range events {
		for _, f := range k.onEvent {
			f(e)
		}
	}
	for _, e := range effects {
		if p, ok := e.(Publish); ok {
			k.view.Store(p.View)
			for _, f := range k.onView {
				f(p.View)
			}
			continue
		}
		k.do(e)
	}
}

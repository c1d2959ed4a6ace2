// Package control makes the views of a simulation: the keeper by the real decide.State, from what simulated servers
// and Sentinels say; the oracle by looking at the servers themselves. It knows no worker and no client.
package control

import (
	"fmt"
	"slices"
	"time"

	"evergate/testenv/sim/redis"
	"evergate/testenv/sim/scenario"
	"evergate/testenv/sim/sentinel"
	"evergate/topology"
	"evergate/topology/decide"
)

// Keeper is the control plane of the gateway: the real State, and in place of keeper.Keeper and topology/watch what
// they do, on the clock and the network of the simulation.
type Keeper struct {
	w     *sentinel.Sentinels
	state *decide.State
	view  *topology.View
	// inbox are observations that have come and not been stepped.
	inbox  []topology.Observation
	tickAt time.Duration
	// stalledUntil: until then it gets no turn.
	stalledUntil time.Duration
	// told are the epochs that the workers have settled, all the lowest of them.
	told []uint64
	all  uint64
	acks map[topology.NodeID]uint64
	// asking are the questions under way by address; true where one more is wanted. chased says until when a node is
	// asked again and again.
	asking map[string]bool
	chased map[string]time.Duration
	pollAt []time.Duration
	// What bugs need: what primaries said last, who became one last and how often anybody did, and a view as workers are
	// shown it.
	runs  map[string]topology.RoleSeen
	risen string
	rises uint64
	bent  *topology.View
	// events is told of the State's events, published of each new view.
	events    func(decide.Event)
	published func(*topology.View)
}

const (
	// askTimeout is how long a question may take, pollEvery how often Sentinels are asked unbidden.
	askTimeout = time.Second
	pollEvery  = 3 * time.Second
	askAgain   = 20 * time.Millisecond
	chaseGap   = 3 * time.Millisecond
	// slotsOf stands before the address of a node that is asked for its slot map.
	slotsOf = "slots of "
)

// NewKeeper returns the control plane of so many workers.
func NewKeeper(w *sentinel.Sentinels, workers int, events func(decide.Event),
	published func(*topology.View)) *Keeper {
	k := &Keeper{w: w, events: events, published: published, told: make([]uint64, workers),
		acks:   map[topology.NodeID]uint64{},
		asking: map[string]bool{}, chased: map[string]time.Duration{},
		runs: map[string]topology.RoleSeen{}}
	set := decide.Settings{Mode: decide.BySentinel, Shard: sentinel.MasterName, Barrier: true,
		Acked: func(id topology.NodeID) uint64 { return k.acks[id] }}
	if w.Options.Voice == scenario.Bus {
		set.Mode = decide.ByCluster
		for _, n := range w.Nodes {
			set.Seeds = append(set.Seeds, n.Addr)
		}
	}
	set.FenceMinority = w.Options.Fence && w.Options.Bug != scenario.NoMinority
	if w.Options.Zones {
		set.Zone, set.ZoneOf = zones[0], zoneOf
	}
	for _, s := range w.List {
		set.Sentinels = append(set.Sentinels, s.Addr)
		k.pollAt = append(k.pollAt, 0)
	}
	k.state = decide.New(set)
	return k
}

// zones are those of servers, by the last digit of their ports.
var zones = [2]string{"here", "there"}

func zoneOf(_ string, addrs ...string) string {
	last := addrs[0][len(addrs[0])-1]
	return zones[last%2]
}

// Stall keeps it from having a turn for d.
func (k *Keeper) Stall(d time.Duration) { k.stalledUntil = k.w.Now + d }

// Acked notes that a worker has passed on n replies of a node.
func (k *Keeper) Acked(node topology.NodeID, n int) { k.acks[node] += uint64(n) }

// Turn steps the State through what has come.
func (k *Keeper) Turn() {
	w := k.w
	if w.Now < k.stalledUntil {
		return
	}
	if w.Now >= k.tickAt {
		k.tickAt = w.Now + topology.TickEvery
		k.inbox = append(k.inbox, topology.Tick{})
	}
	for i, s := range w.List {
		if w.Now >= k.pollAt[i] {
			k.pollAt[i] = w.Now + w.Between(pollEvery*9/10, pollEvery)
			k.ask(s.Addr)
		}
	}
	for len(k.inbox) > 0 {
		o := k.inbox[0]
		k.inbox = k.inbox[1:]
		k.step(o)
	}
}

// Report takes what a worker saw: the control plane looks again, soon.
func (k *Keeper) Report(r topology.Report) { k.Observe(r) }

// Observe takes what comes from a server, a Sentinel or a worker, after the injected mistake has had its way with it.
func (k *Keeper) Observe(o topology.Observation) { k.inbox = append(k.inbox, k.bend(o)...) }

func (k *Keeper) step(o topology.Observation) {
	w := k.w
	if _, tick := o.(topology.Tick); !tick {
		w.Tracef("  keeper: %s", observed(o))
	}
	effects, events := k.state.Step(o, Wall(w.Now))
	for _, e := range events {
		w.Tracef("  event: %s", e)
		k.events(e)
	}
	for _, e := range effects {
		switch e := e.(type) {
		case decide.Publish:
			k.publish(e.View)
		case decide.Probe:
			k.ask(e.Addr)
		case decide.Chase:
			k.chased[e.Addr] = w.Now + e.For
			k.ask(e.Addr)
		case decide.Refresh:
			for _, addr := range e.Ask {
				if w.Options.Voice == scenario.Bus {
					addr = slotsOf + addr
				}
				k.ask(addr)
			}
		}
	}
}

// Wall is the time of day.
func Wall(now time.Duration) time.Time { return time.Unix(1000, 0).Add(now) }

func observed(o topology.Observation) string {
	switch o := o.(type) {
	case topology.RoleSeen:
		return fmt.Sprintf("%s says %v, offset %d, run %s, replid %s, from %s to %d, up %v", o.Addr, o.Role, o.Offset,
			o.RunID, o.ReplID, o.ReplID2, o.SecondOffset, o.LinkUp)
	case topology.SentinelReport:
		return fmt.Sprintf("%s says %s, epoch %d, down %d", o.Sentinel, o.Primary, o.ConfigEpoch, o.Down)
	}
	return fmt.Sprintf("%T%+v", o, o)
}

func (k *Keeper) publish(v *topology.View) {
	k.w.Tracef("view %d: %s", v.Epoch, redis.Describe(v))
	k.published(v)
	k.view = v
	if k.w.Options.Bug == scenario.NoBarrier {
		k.Observe(topology.Settled{Epoch: v.Epoch})
	}
}

// Settled takes a worker's word, as keeper.Keeper does.
func (k *Keeper) Settled(worker int, epoch uint64) {
	k.w.Tracef("worker %d has settled view %d", worker, epoch)
	k.told[worker] = max(k.told[worker], epoch)
	if lowest := slices.Min(k.told); lowest > k.all {
		k.all = lowest
		k.Observe(topology.Settled{Epoch: lowest})
	}
}

// nodeID is the number that the State gave an address, or -1.
func (k *Keeper) nodeID(addr string) topology.NodeID {
	if k.view != nil {
		if n := k.view.NodeByAnnounced(addr); n != nil {
			return n.ID
		}
	}
	return -1
}

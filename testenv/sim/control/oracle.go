package control

import (
	"fmt"
	"slices"
	"time"

	"evergate/testenv/sim/redis"
	"evergate/topology"
	"evergate/topology/decide"
)

// Oracle is a control plane that knows everything: its views are true, but late, and wrong for a while.
type Oracle struct {
	*redis.Servers
	planned []planned // views under way
	view    *topology.View
	epoch   uint64
	slots   map[string]*topology.View // views made of slots, by owners
	// published is told of each new view, before the workers see it.
	published func(*topology.View)
}

// NewOracle returns one whose first view is under way.
func NewOracle(w *redis.Servers, published func(*topology.View)) *Oracle {
	o := &Oracle{Servers: w, slots: map[string]*topology.View{}, published: published}
	o.Announce(w.Between(0, 300*time.Millisecond))
	return o
}

// Heal has the true view come, and none that is older.
func (w *Oracle) Heal() {
	w.planned = nil
	w.Announce(10 * time.Millisecond)
}

// Announce has the view that is true now arrive after a delay.
func (w *Oracle) Announce(after time.Duration) { w.plan(w.truth(), after) }

// planned is a view that is still on its way to the gateway.
type planned struct {
	at   time.Duration
	view *topology.View
}

// truth is the view that a perfect control plane would publish now.
func (w *Oracle) truth() *topology.View {
	v := &topology.View{}
	if w.Options.Cluster {
		v = w.slotView()
	} else {
		v.Shards = make([]topology.Shard, 1)
	}
	for i := range v.Shards {
		sh := &v.Shards[i]
		s := w.Shards[sh.ConfigEpoch]
		sh.Index, sh.Name, sh.Primary, sh.Replicas = i, "main", s.Primary.View, nil
		for _, n := range s.Nodes {
			if n != s.Primary && n.Alive {
				sh.Replicas = append(sh.Replicas, n.View)
			}
		}
		sh.Copies = topology.Copies{Attached: len(sh.Replicas), Promotable: len(s.Nodes) - 1}
	}
	v.Nodes = nil
	for _, n := range w.Nodes {
		v.Nodes = append(v.Nodes, n.View)
	}
	v.Lowest = w.Nodes[0].View
	return v
}

// slotView has the State of a cluster make a view with the slots of the shards. The ConfigEpoch of each is its index in
// w.shards.
func (w *Oracle) slotView() *topology.View {
	seen := topology.SlotsSeen{Asked: "shard0:1", HasEpochs: true}
	addrs := []string{"shard0:1", "shard1:1", "shard2:1"}
	for i, s := range w.Shards {
		shard := topology.ShardSeen{Epoch: uint64(i), Primary: topology.MemberSeen{Addr: addrs[i], Healthy: true}}
		shard.Slots = w.SlotsOf(s)
		seen.Shards = append(seen.Shards, shard)
	}
	owners := fmt.Sprint(seen)
	if w.slots[owners] == nil {
		w.slots[owners] = slotView(seen, addrs)
	}
	v := *w.slots[owners]
	v.Shards = slices.Clone(v.Shards)
	return &v
}

// plan has a view arrive after a delay; views arrive in the order of their times, so an older one may come last.
func (w *Oracle) plan(v *topology.View, after time.Duration) {
	w.planned = append(w.planned, planned{w.Now + after, v})
}

// Turn shows the gateway the views whose time has come.
func (w *Oracle) Turn() {
	slices.SortStableFunc(w.planned, func(a, b planned) int { return int(a.at - b.at) })
	for len(w.planned) > 0 && w.planned[0].at <= w.Now {
		v := *w.planned[0].view
		w.planned = w.planned[1:]
		w.epoch++
		v.Epoch = w.epoch
		w.published(&v)
		w.view = &v
		w.Tracef("view %d: %s", v.Epoch, redis.Describe(&v))
	}
}

// Flap has a wrong view arrive: a shard without a primary, or with the wrong one, or without replicas. The right one
// follows.
func (w *Oracle) Flap() {
	v := w.truth()
	i := w.Rnd.IntN(len(v.Shards))
	sh := &v.Shards[i]
	switch w.Rnd.IntN(4) {
	case 0, 1:
		sh.Primary = nil
	case 2:
		nodes := w.Shards[sh.ConfigEpoch].Nodes
		sh.Primary = nodes[w.Rnd.IntN(len(nodes))].View
	case 3:
		sh.Replicas = nil
	}
	w.plan(v, w.Between(0, 50*time.Millisecond))
	w.Announce(w.Between(50*time.Millisecond, 800*time.Millisecond))
}

// Report has the oracle look again, soon.
func (w *Oracle) Report(topology.Report) {
	if len(w.planned) < 3 {
		w.Announce(w.Between(10*time.Millisecond, 400*time.Millisecond))
	}
}

// slotView has a State make a view of the slots.
func slotView(seen topology.SlotsSeen, addrs []string) *topology.View {
	state := decide.New(decide.Settings{Mode: decide.ByCluster, Seeds: addrs[:1]})
	now := time.Unix(1, 0)
	state.Step(topology.Tick{}, now)
	state.Step(seen, now)
	for _, a := range addrs {
		state.Step(topology.RoleSeen{Addr: a, Role: topology.RolePrimary, Version: "7.2.4"}, now)
	}
	state.Step(topology.Tick{}, now.Add(time.Second))
	v := state.View()
	if v == nil || len(v.Shards) != len(addrs) {
		panic("sim: the State made no view of the slots")
	}
	return v
}

// Shown is what a worker sees.
func (w *Oracle) Shown() *topology.View { return w.view }

// Settled and acked are words that the oracle does not need.
func (w *Oracle) Settled(int, uint64)        {}
func (w *Oracle) Acked(topology.NodeID, int) {}

package sim

import (
	"fmt"
	"slices"
	"time"

	"evergate/topology"
)

// truth is the view that a perfect control plane would publish now.
func (w *world) truth() *topology.View {
	v := &topology.View{}
	if w.o.Cluster {
		v = w.slotView()
	} else {
		v.Shards = make([]topology.Shard, 1)
	}
	for i := range v.Shards {
		sh := &v.Shards[i]
		s := w.shards[sh.ConfigEpoch]
		sh.Index, sh.Name, sh.Primary, sh.Replicas = i, "main", s.primary.view, nil
		for _, n := range s.nodes {
			if n != s.primary && n.alive {
				sh.Replicas = append(sh.Replicas, n.view)
			}
		}
	}
	v.Nodes = nil
	for _, n := range w.nodes {
		v.Nodes = append(v.Nodes, n.view)
	}
	v.Lowest = w.nodes[0].view
	return v
}

// slotView has the State of a cluster make a view with the slots of the shards. The ConfigEpoch of each is its index in
// w.shards.
func (w *world) slotView() *topology.View {
	seen := topology.SlotsSeen{Asked: "shard0:1", HasEpochs: true}
	addrs := []string{"shard0:1", "shard1:1", "shard2:1"}
	var special []int
	for slot := range w.owners {
		special = append(special, slot)
	}
	slices.Sort(special)
	for i, s := range w.shards {
		shard := topology.ShardSeen{Epoch: uint64(i), Primary: topology.MemberSeen{Addr: addrs[i], Healthy: true}}
		first := s.ranges.First
		for _, slot := range special {
			if slot >= s.ranges.First && slot <= s.ranges.Last {
				if slot > first {
					shard.Slots = append(shard.Slots, topology.SlotRange{First: first, Last: slot - 1})
				}
				first = slot + 1
			}
			if w.owners[slot] == s {
				shard.Slots = append(shard.Slots, topology.SlotRange{First: slot, Last: slot})
			}
		}
		if first <= s.ranges.Last {
			shard.Slots = append(shard.Slots, topology.SlotRange{First: first, Last: s.ranges.Last})
		}
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

// slotView has a State make a view of the slots.
func slotView(seen topology.SlotsSeen, addrs []string) *topology.View {
	state := topology.NewState(topology.Settings{Mode: topology.ByCluster, Seeds: addrs[:1]})
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

// plan has a view arrive after a delay; views arrive in the order of their times, so an older one may come last.
func (w *world) plan(v *topology.View, after time.Duration) {
	w.planned = append(w.planned, planned{w.now + after, v})
}

// publish shows the gateway the views whose time has come.
func (w *world) publish() {
	slices.SortStableFunc(w.planned, func(a, b planned) int { return int(a.at - b.at) })
	for len(w.planned) > 0 && w.planned[0].at <= w.now {
		v := *w.planned[0].view
		w.planned = w.planned[1:]
		w.epoch++
		v.Epoch = w.epoch
		w.view = &v
		w.tracef("view %d: %s", v.Epoch, describe(&v))
	}
}

func describe(v *topology.View) string {
	text := ""
	for _, s := range v.Shards {
		if s.Primary == nil {
			text += " held"
			continue
		}
		text += " " + s.Primary.Addr
	}
	return text
}

// flap has a wrong view arrive: a shard without a primary, or with the wrong one, or without replicas. The right one
// follows.
func (w *world) flap() {
	v := w.truth()
	i := w.rnd.IntN(len(v.Shards))
	sh := &v.Shards[i]
	switch w.rnd.IntN(4) {
	case 0, 1:
		sh.Primary = nil
	case 2:
		nodes := w.shards[sh.ConfigEpoch].nodes
		sh.Primary = nodes[w.rnd.IntN(len(nodes))].view
	case 3:
		sh.Replicas = nil
	}
	w.plan(v, w.between(0, 50*time.Millisecond))
	w.plan(w.truth(), w.between(50*time.Millisecond, 800*time.Millisecond))
}

// oracleHears has the oracle look again, soon.
func (w *world) oracleHears() {
	if len(w.planned) < 3 {
		w.plan(w.truth(), w.between(10*time.Millisecond, 400*time.Millisecond))
	}
}

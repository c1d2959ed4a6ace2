package sim

import (
	"fmt"
	"time"

	"evergate/routing"
	"evergate/topology"
)

// shard is what is true: who is primary of what.
type shard struct {
	index   int
	primary *node
	nodes   []*node
	ranges  topology.SlotRange
}

// planned is a view that is still on its way to the gateway.
type planned struct {
	at   time.Duration
	view *topology.View
}

// build makes the servers and the gateway.
func (w *world) build(outputMax int) {
	switch w.o.Voice {
	case Sentinels:
		w.buildSentinels(outputMax)
		return
	case Bus:
		w.buildBus(outputMax)
		return
	}
	w.gates = append(w.gates, w.makeGate(0, outputMax))
	count, replicas := 1, 1+w.rnd.IntN(2)
	if w.o.Cluster {
		count, replicas = 3, 1
	}
	for i := range count {
		s := &shard{index: i}
		s.ranges = topology.SlotRange{First: i * topology.Slots / count, Last: (i+1)*topology.Slots/count - 1}
		for range 1 + replicas {
			w.addNode(s)
		}
		s.primary = s.nodes[0]
		s.primary.primary = true
		w.shards = append(w.shards, s)
	}
	w.plan(w.truth(), w.between(0, 300*time.Millisecond))
}

func (w *world) addNode(s *shard) *node {
	id := len(w.nodes)
	addr := fmt.Sprintf("node%d:%d", id, 7000+id)
	n := &node{w: w, id: id, addr: addr, shard: s, data: map[string]int{}, alive: true, pace: 1 << 20}
	n.view = &topology.Node{ID: topology.NodeID(id), Addr: addr, Announced: addr, Version: "7.2.4"}
	s.nodes = append(s.nodes, n)
	w.nodes = append(w.nodes, n)
	return n
}

// owner returns the shard of a slot.
func (w *world) owner(slot int) *shard {
	if s := w.owners[slot]; s != nil {
		return s
	}
	for _, s := range w.shards {
		if slot >= s.ranges.First && slot <= s.ranges.Last {
			return s
		}
	}
	return nil
}

// fate lets something happen, now and then.
func (w *world) fate() {
	for _, n := range w.nodes {
		w.recover(n)
	}
	if w.keeper != nil {
		w.storm()
		return
	}
	if w.rnd.IntN(12) > 0 {
		return
	}
	n := w.nodes[w.rnd.IntN(len(w.nodes))]
	s := w.shards[w.rnd.IntN(len(w.shards))]
	switch w.rnd.IntN(16) {
	case 0, 1:
		w.breakSome()
	case 2:
		n.frozenUntil = w.now + w.between(0, 2500*time.Millisecond)
		w.tracef("%s freezes until %v", n.addr, n.frozenUntil)
	case 3:
		w.kill(n)
	case 4, 5:
		w.switchOver(s)
	case 6:
		w.failOver(s)
	case 7, 8, 9:
		w.moveSlot()
	case 10:
		n.pace = 1 + w.rnd.IntN(3)
		if w.rnd.IntN(2) == 0 {
			n.pace = 1 << 20
		}
	case 11:
		n.linkUntil = w.now + w.between(0, 300*time.Millisecond)
	case 12:
		n.downUntil = w.now + w.between(0, 300*time.Millisecond)
	case 13:
		w.flap()
	default:
		w.plan(w.truth(), w.between(0, 100*time.Millisecond))
	}
}

// recover brings a node back, and tells one that thawed who is primary now.
func (w *world) recover(n *node) {
	if w.keeper != nil {
		if !n.alive && w.now >= n.backAt {
			n.restart()
		}
		return
	}
	if !n.alive && w.now >= n.backAt {
		n.alive = true
		n.loadingUntil = w.now + w.between(0, 300*time.Millisecond)
		w.tracef("%s is back", n.addr)
		if n.shard.primary != n {
			w.follow(n)
		}
	}
	if n.alive && n.primary && n.shard.primary != n && w.now >= n.frozenUntil && w.rnd.IntN(30) == 0 {
		w.tracef("%s learns that it is a replica now", n.addr)
		w.follow(n)
		w.breakAll(n)
	}
}

// follow makes a node a replica with all that its primary has.
func (w *world) follow(n *node) {
	n.primary, n.queue = false, nil
	n.copies++
	n.data = map[string]int{}
	for k, by := range n.shard.primary.data {
		n.data[k] = by
	}
}

// breakLane breaks a connection: bytes on the way are lost from any of them on.
func (w *world) breakLane(l *lane) {
	if l.dead || !l.open {
		return
	}
	w.tracef("the connection of lane %v to %s breaks", l, l.node.addr)
	l.dead, l.deadAt = true, w.now+w.between(0, 20*time.Millisecond)
	if l.toNode.size > 0 {
		l.toNode.cut(w.rnd.IntN(l.toNode.size + 1))
	}
	if l.toGate.size > 0 {
		l.toGate.cut(w.rnd.IntN(l.toGate.size + 1))
	}
	if w.rnd.IntN(2) == 0 {
		l.served = false
	}
}

// breakSome breaks one of the connections, with preference one that brings a long reply.
func (w *world) breakSome() {
	if len(w.sockets) == 0 {
		return
	}
	l := w.sockets[w.rnd.IntN(len(w.sockets))]
	for _, other := range w.sockets {
		if other.toGate.size > 16<<10 {
			l = other
		}
	}
	w.breakLane(l)
}

func (w *world) breakAll(n *node) {
	for _, l := range w.sockets {
		if l.node == n {
			w.breakLane(l)
		}
	}
}

// kill ends a process; its data are on its disk.
func (w *world) kill(n *node) {
	w.tracef("%s dies", n.addr)
	n.alive, n.backAt = false, w.now+w.between(0, 1500*time.Millisecond)
	n.frozenUntil = 0
	w.breakAll(n)
	for _, l := range w.sockets {
		if l.node == n {
			l.served = false
			l.toNode, l.in = pipe{}, nil
		}
	}
}

// switchOver is a planned change of roles: nothing is lost, and connections stay or are closed.
func (w *world) switchOver(s *shard) {
	next := s.nodes[w.rnd.IntN(len(s.nodes))]
	old := s.primary
	if next == old || !next.alive || !old.alive || w.now < old.frozenUntil || w.now < next.frozenUntil {
		return
	}
	w.tracef("%s hands over to %s", old.addr, next.addr)
	for _, wr := range next.queue {
		next.apply(wr)
	}
	w.promote(s, next)
	w.follow(old)
	if w.rnd.IntN(2) == 0 {
		w.breakAll(old)
	}
}

// failOver promotes a replica of a primary that does not answer. What the replica has not got is lost.
func (w *world) failOver(s *shard) {
	next := s.nodes[w.rnd.IntN(len(s.nodes))]
	old := s.primary
	if next == old || !next.alive || w.now < next.frozenUntil || old.alive && w.now >= old.frozenUntil {
		return
	}
	w.tracef("%s is promoted in place of %s", next.addr, old.addr)
	for _, wr := range next.queue {
		w.ledger.execs[wr.exec].lost = true
	}
	w.promote(s, next)
	if !old.alive {
		old.primary = false
	}
}

func (w *world) promote(s *shard, next *node) {
	next.queue, next.primary = nil, true
	s.primary = next
	for _, n := range s.nodes {
		if n != next && !n.primary {
			w.follow(n)
		}
	}
	w.plan(w.truth(), w.between(0, 600*time.Millisecond))
}

// moveSlot begins to move one of the slots that are used, moves some of its keys, or ends it.
func (w *world) moveSlot() {
	if !w.o.Cluster {
		return
	}
	tag := fmt.Sprintf("t%d", w.rnd.IntN(tags))
	slot := routing.Slot([]byte(tag))
	from, to := w.owner(slot), w.moving[slot]
	if to == nil {
		if to = w.shards[w.rnd.IntN(len(w.shards))]; to != from {
			w.tracef("slot %d begins to move from %s to %s", slot, from.primary.addr, to.primary.addr)
			w.moving[slot] = to
		}
		return
	}
	all := w.rnd.IntN(3) == 0
	w.moveKeys(tag, from, to, all)
	if all {
		w.tracef("slot %d belongs to %s", slot, to.primary.addr)
		delete(w.moving, slot)
		w.owners[slot] = to
		w.plan(w.truth(), w.between(0, 400*time.Millisecond))
	}
}

// moveKeys moves all keys of a tag, or about half of them, on every node.
func (w *world) moveKeys(tag string, from, to *shard, all bool) {
	for _, n := range from.nodes {
		for _, wr := range n.queue {
			n.apply(wr)
		}
		n.queue = nil
	}
	for k, by := range from.primary.data {
		if k[1:1+len(tag)] != tag || !all && len(k)%2 == 0 {
			continue
		}
		for _, n := range to.nodes {
			n.data[k] = by
			n.touched(k)
		}
		for _, n := range from.nodes {
			delete(n.data, k)
			n.touched(k)
		}
	}
}

// heal ends all faults; what was frozen thaws.
func (w *world) heal() {
	w.tracef("all heals")
	w.calm, w.calmAt = true, w.now
	for _, c := range w.clients {
		c.idleTill = 0
	}
	for _, g := range w.gates {
		for _, l := range g.lanes {
			if l != nil {
				l.room = 100 << 10
			}
		}
	}
	if w.keeper != nil {
		w.calmStorm()
		return
	}
	for _, n := range w.nodes {
		if !n.alive {
			n.backAt = w.now
		}
		w.recover(n)
		n.frozenUntil, n.loadingUntil, n.linkUntil, n.downUntil = 0, 0, 0, 0
		n.pace = 1 << 20
	}
	for _, n := range w.nodes {
		if n.primary && n.shard.primary != n {
			w.follow(n)
			w.breakAll(n)
		}
	}
	for tag := range tags {
		name := fmt.Sprintf("t%d", tag)
		slot := routing.Slot([]byte(name))
		if to := w.moving[slot]; to != nil {
			w.moveKeys(name, w.owner(slot), to, true)
			delete(w.moving, slot)
			w.owners[slot] = to
		}
	}
	w.planned = nil
	w.plan(w.truth(), 10*time.Millisecond)
}

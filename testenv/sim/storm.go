package sim

import (
	"fmt"
	"time"

	"evergate/topology"
)

// What happens to a world whose views are made by the real State.

// buildSentinels makes one shard, its Sentinels, and several workers that share a keeper.
func (w *world) buildSentinels(outputMax int) {
	s := &shard{}
	for i := range 2 + w.rnd.IntN(2) {
		w.startHistory(w.addNode(s), i == 0)
	}
	w.shards = append(w.shards, s)
	w.makeSentinels(3 + 2*w.rnd.IntN(2))
	w.makeWorkers(outputMax)
}

// makeWorkers makes one to three workers, and the keeper that they share.
func (w *world) makeWorkers(outputMax int) {
	for i := range 1 + w.rnd.IntN(3) {
		w.gates = append(w.gates, w.makeGate(i, outputMax))
	}
	w.judge = &judge{w: w, noticed: map[string]time.Duration{}}
	w.keeper = w.makeKeeper()
}

// startHistory gives a node its run and its history: that of the first node of its shard.
func (w *world) startHistory(n *node, primary bool) {
	first := n.shard.nodes[0]
	n.primary, n.runID, n.has = primary, w.name(), map[int]bool{}
	n.replID = fmt.Sprintf("first%d", n.shard.index)
	if primary {
		n.led = []string{n.replID}
	} else {
		n.following, n.link = first, linkUp
	}
	n.lag = w.between(0, 5*time.Millisecond)
	if w.rnd.IntN(2) == 0 && !w.o.Planned {
		n.lag = w.between(0, 200*time.Millisecond)
	}
	n.save()
}

// storm lets something happen, now and then.
func (w *world) storm() {
	if w.now < w.stormAt {
		return
	}
	w.stormAt = w.now + w.between(100*time.Millisecond, 2500*time.Millisecond)
	if w.o.Planned {
		if w.disagreement() == "" {
			w.anySentinel().failover()
		}
		return
	}
	if w.o.Voice == Bus {
		w.stormBus()
		return
	}
	n, s := w.nodes[w.rnd.IntN(len(w.nodes))], w.anySentinel()
	if p := w.nodeByRole(true); p != nil && w.rnd.IntN(2) == 0 {
		n = p
	}
	switch w.rnd.IntN(14) {
	case 0, 1:
		w.strike(n)
	case 2:
		n.frozenUntil = w.now + w.between(0, 7*w.pace.downAfter)
		w.tracef("%s freezes until %v", n.addr, n.frozenUntil)
	case 3, 4:
		s.failover()
		if w.rnd.IntN(2) == 0 {
			w.after(w.between(0, 20*time.Millisecond), w.stall)
		}
		w.retransmit()
	case 5:
		s.dies = step(1 + w.rnd.IntN(int(reconfiguring)))
		s.failover()
	case 6:
		w.stormSentinel(s)
	case 7, 8:
		w.partition(n, s)
	case 9:
		n.lag = w.between(0, 600*time.Millisecond)
		w.after(time.Second, func() { n.lag = time.Millisecond })
	case 10:
		w.retransmit()
		w.breakAll(n)
	case 11:
		w.stall()
	case 12:
		w.keeper.stalledUntil = w.now + w.between(0, 100*time.Millisecond)
	default:
		w.behindSentinels(n)
	}
	if w.rnd.IntN(3) == 0 {
		w.nodes[w.rnd.IntN(len(w.nodes))].save()
	}
}

// stormBus lets something happen to a cluster.
func (w *world) stormBus() {
	n := w.nodes[w.rnd.IntN(len(w.nodes))]
	d := w.between(50*time.Millisecond, 7*w.pace.downAfter)
	switch w.rnd.IntN(10) {
	case 0, 1:
		w.strike(n)
	case 2:
		n.frozenUntil = w.now + d
		w.tracef("%s freezes until %v", n.addr, n.frozenUntil)
	case 3, 4, 5:
		n.handOver()
		w.retransmit()
	case 6:
		w.sever(gateway, n.place(), d)
	case 7:
		w.isolate(n.place(), w.rnd.IntN(2) == 0, d)
	case 8:
		w.retransmit()
		w.breakAll(n)
	case 9:
		w.stall()
	}
}

// retransmit has what was sent to servers come there late, as when TCP sends it again.
func (w *world) retransmit() {
	if w.rnd.IntN(2) == 0 {
		return
	}
	longest := 400 * time.Millisecond
	if w.rnd.IntN(3) == 0 {
		longest = 2500 * time.Millisecond
	}
	for _, l := range w.sockets {
		l.lateUntil = w.now + w.between(0, longest)
	}
}

// stall keeps the thread of a worker from running.
func (w *world) stall() {
	g := w.gates[w.rnd.IntN(len(w.gates))]
	g.stalledUntil = w.now + w.between(0, 400*time.Millisecond)
	w.tracef("worker %d stalls until %v", g.number, g.stalledUntil)
}

func (w *world) anySentinel() *sentinel { return w.sentinels[w.rnd.IntN(len(w.sentinels))] }

// nodeByRole finds a running node that is primary, or one that is not; nil when there is none.
func (w *world) nodeByRole(primary bool) *node {
	for _, n := range w.nodes {
		if n.primary == primary && n.up() {
			return n
		}
	}
	return nil
}

// strike ends the process of a node. It comes back with what its disk has.
func (w *world) strike(n *node) {
	if !n.alive {
		return
	}
	n.loses = loss(w.rnd.IntN(3))
	w.kill(n)
	n.backAt = w.now + w.between(0, 7*w.pace.downAfter)
	if w.rnd.IntN(2) == 0 { // before anybody has called it down
		n.backAt = w.now + w.between(0, w.pace.downAfter)
	}
	if w.o.Voice == Sentinels && w.rnd.IntN(4) == 0 { // perhaps it comes back as a primary that nobody names
		w.after(n.backAt-w.now+100*time.Millisecond, w.lie)
	}
}

// stormSentinel ends, freezes or corrupts a Sentinel.
func (w *world) stormSentinel(s *sentinel) {
	switch w.rnd.IntN(3) {
	case 0:
		w.tracef("%s dies", s.addr)
		s.die()
	case 1:
		s.frozenUntil = w.now + w.between(0, 3*time.Second)
		w.tracef("%s freezes until %v", s.addr, s.frozenUntil)
	case 2:
		w.lie()
	}
}

// liar is the only Sentinel that lies.
func (w *world) liar() *sentinel { return w.sentinels[0] }

// lie has a Sentinel tell the gateway what is not true: that another node is primary, with preference one that says so
// itself.
func (w *world) lie() {
	s := w.liar()
	about := w.nodes[w.rnd.IntN(len(w.nodes))]
	for _, n := range w.nodes {
		if n.primary && n.up() && n != s.primary {
			about = n
		}
	}
	s.lie, s.lieEpoch = about, uint64(w.rnd.IntN(3))
	w.tracef("%s lies: %s, epoch %d more", s.addr, about.addr, s.lieEpoch)
	w.after(w.between(0, 5*time.Second), func() { s.lie = nil })
	w.retransmit()
	switch w.rnd.IntN(4) {
	case 0:
		s.publish("+try-failover", s.about(s.primary))
	case 1:
		s.publish("+odown", s.about(s.primary)+" #quorum 2/2")
	case 2:
		s.publish("+try-failover", s.about(s.primary))
		s.publish("+selected-slave", s.about(about))
	case 3:
		s.publish("+switch-master", masterName+" "+words(s.primary.addr)+" "+words(about.addr))
	}
}

// partition cuts a server, a Sentinel, or a server with the gateway from all others, or a single link.
func (w *world) partition(n *node, s *sentinel) {
	d := w.between(50*time.Millisecond, 7*w.pace.downAfter)
	switch w.rnd.IntN(5) {
	case 0:
		w.sever(gateway, n.place(), d)
	case 1:
		w.sever(gateway, s.place(), d)
	case 2:
		w.isolate(n.place(), false, d)
	case 3:
		w.isolate(n.place(), true, d)
	case 4:
		w.isolate(s.place(), false, d)
	}
}

// isolate cuts a place from all others, but for the gateway where that stays with it.
func (w *world) isolate(p place, withGateway bool, d time.Duration) {
	others := []place{gateway}
	for _, n := range w.nodes {
		others = append(others, n.place())
	}
	for _, s := range w.sentinels {
		others = append(others, s.place())
	}
	for _, o := range others {
		switch {
		case o == p:
		case withGateway && o != gateway:
			w.sever(p, o, d)
			w.sever(gateway, o, d)
		case !withGateway:
			w.sever(p, o, d)
		}
	}
}

// behindSentinels is a FAILOVER that the server itself is asked for, or a REPLICAOF. Sentinels see it later.
func (w *world) behindSentinels(n *node) {
	p := n.following
	if p == nil || !p.primary || !p.up() || !n.up() || n.link != linkUp || w.cut(n.place(), p.place()) {
		return
	}
	if w.rnd.IntN(2) == 0 {
		w.tracef("FAILOVER from %s to %s", p.addr, n.addr)
		for _, wr := range n.queue {
			n.apply(wr)
		}
	} else {
		w.tracef("REPLICAOF NO ONE at %s, REPLICAOF %s at %s", n.addr, n.addr, p.addr)
	}
	n.promote()
	p.demote(n)
}

// calmStorm ends all faults.
func (w *world) calmStorm() {
	clear(w.cuts)
	for _, n := range w.nodes {
		n.frozenUntil, n.lag = 0, time.Millisecond
		n.backAt = w.now
		w.recover(n)
	}
	for _, s := range w.sentinels {
		s.frozenUntil, s.dies, s.lie = 0, noStep, nil
		s.revive()
	}
	for _, g := range w.gates {
		g.stalledUntil = 0
	}
	w.keeper.stalledUntil = 0
}

// disagreement is what is left to be settled: all Sentinels name one primary, it is one, all others copy it, and the
// gateway knows. Empty when it is.
func (w *world) disagreement() string {
	if w.o.Voice == Bus {
		return w.busDisagreement()
	}
	p := w.sentinels[0].names()
	for _, s := range w.sentinels {
		if s.names() != p || s.attempt != nil {
			return fmt.Sprintf("%s names %s, attempt %v", s.addr, s.names().addr, s.attempt)
		}
	}
	for _, n := range w.nodes {
		if n != p && (n.following != p || n.link != linkUp) {
			return n.addr + " does not copy " + p.addr
		}
	}
	v := w.keeper.view
	if v == nil || !p.primary {
		return p.addr + " is no primary"
	}
	sh := &v.Shards[0]
	if w.nodeOf(sh.Primary) != p || sh.Condition != topology.Steady || len(sh.Replicas) != len(w.nodes)-1 {
		return fmt.Sprintf("view %d names%s, %v, with %d replicas", v.Epoch, describe(v), sh.Condition, len(sh.Replicas))
	}
	return ""
}

// dialled says whether an attempt to connect comes through.
func (w *world) dialled(l *lane) bool {
	return l.node.alive && !w.cut(gateway, l.node.place()) && (w.now >= l.node.frozenUntil || w.rnd.IntN(2) == 0)
}

// reported is what a worker saw: the control plane looks again, soon.
func (w *world) reported(r topology.Report) {
	w.tracef("reported: %v of node %d", r.Kind, r.Node)
	if w.keeper != nil {
		w.keeper.tell(r)
	} else {
		w.oracleHears()
	}
}

// published is the newest view.
func (w *world) published() *topology.View {
	if w.keeper != nil {
		return w.keeper.shownTo()
	}
	return w.view
}

func (w *world) settled(g *gate, epoch uint64) {
	if w.keeper != nil {
		w.keeper.settled(g.number, epoch)
	}
}

func (w *world) acked(node topology.NodeID, n int) {
	if w.keeper != nil {
		w.keeper.acks[node] += uint64(n)
	}
}

// holdMax is how long a request may wait. With the real State nothing that a client may notice shall come of that.
func (w *world) holdMax() time.Duration {
	if w.o.Voice == Oracle {
		return 1500 * time.Millisecond
	}
	return 10 * time.Second
}

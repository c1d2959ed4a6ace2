package faults

import (
	"slices"
	"time"

	"evergate/testenv/sim/network"
	"evergate/testenv/sim/redis"
	"evergate/testenv/sim/scenario"
	"evergate/testenv/sim/sentinel"
)

// What happens to a world whose views are made by the real State.

// storm lets something happen, now and then.
func (w *Faults) storm() {
	if w.Now < w.stormAt {
		return
	}
	w.stormAt = w.Now + w.Between(100*time.Millisecond, 2500*time.Millisecond)
	if w.Options.Planned {
		if w.gateway.Agreed() {
			w.AnySentinel().Failover()
		}
		return
	}
	if w.Options.Strands && w.Rnd.IntN(20) > 0 {
		w.stormAt = w.Now + w.Between(0, 200*time.Millisecond)
		w.strand()
		return
	}
	if w.Options.Voice == scenario.Bus {
		w.stormBus()
		return
	}
	n, s := w.Nodes[w.Rnd.IntN(len(w.Nodes))], w.AnySentinel()
	if p := w.NodeByRole(true); p != nil && w.Rnd.IntN(2) == 0 {
		n = p
		if w.Options.Fence && w.Rnd.IntN(4) == 0 {
			w.leave(p, s)
			return
		}
	}
	switch w.Rnd.IntN(16) {
	case 14, 15:
		w.strand()
	case 0, 1:
		w.strike(n)
	case 2:
		n.Freeze(w.Between(0, 7*w.downAfter()))
	case 3, 4:
		s.Failover()
		if w.Rnd.IntN(2) == 0 {
			w.After(w.Between(0, 20*time.Millisecond), w.stall)
		}
		w.retransmit()
	case 5:
		s.Doom()
		s.Failover()
	case 6:
		w.stormSentinel(s)
	case 7, 8:
		w.partition(n, s)
	case 9:
		longest := 600 * time.Millisecond
		if w.Options.Lag.Bytes > 0 { // longer than a measured lag is believed
			longest *= 5
		}
		n.LagBehind(w.Between(0, longest))
	case 10:
		w.retransmit()
		w.BreakAll(n)
	case 11:
		w.stall()
	case 12:
		w.keeper.Stall(w.Between(0, 100*time.Millisecond))
	default:
		w.behindSentinels(n)
	}
	if w.Rnd.IntN(3) == 0 {
		w.Nodes[w.Rnd.IntN(len(w.Nodes))].Save()
	}
}

// stormBus lets something happen to a cluster.
func (w *Faults) stormBus() {
	n := w.Nodes[w.Rnd.IntN(len(w.Nodes))]
	d := w.Between(50*time.Millisecond, 7*w.downAfter())
	switch w.Rnd.IntN(11) {
	case 10:
		w.strand()
	case 0, 1:
		w.strike(n)
	case 2:
		n.Freeze(d)
	case 3, 4, 5:
		n.HandOver()
		w.retransmit()
	case 6:
		w.Sever(network.Gateway, n.Place(), d)
	case 7:
		w.isolate(n.Place(), w.Rnd.IntN(2) == 0, d)
	case 8:
		w.retransmit()
		w.BreakAll(n)
	case 9:
		w.stall()
	}
}

// retransmit has what was sent to servers come there late, as when TCP sends it again.
func (w *Faults) retransmit() {
	if w.Rnd.IntN(2) == 0 {
		return
	}
	longest := 400 * time.Millisecond
	if w.Rnd.IntN(3) == 0 {
		longest = 2500 * time.Millisecond
	}
	for _, l := range w.Sockets {
		l.Delay(w.Between(0, longest))
	}
}

// strand breaks one connection for the gateway alone, with preference one on which something is under way to a server
// that has another one.
func (w *Faults) strand() {
	if len(w.Sockets) == 0 {
		return
	}
	l, d := w.Sockets[w.Rnd.IntN(len(w.Sockets))], w.Between(0, 3*time.Second)
	for _, other := range w.Sockets {
		if other.ToNode.Size > l.ToNode.Size && other.Node.Primary {
			l = other
		}
	}
	l.Strand(d)
}

// stall keeps the thread of a worker from running.
func (w *Faults) stall() {
	worker := w.Rnd.IntN(w.gateway.Workers)
	w.gateway.Stall(worker, w.Between(0, 400*time.Millisecond))
}

// strike ends the process of a node. It comes back with what its disk has.
func (w *Faults) strike(n *redis.Node) {
	if !n.Alive {
		return
	}
	n.Kill(redis.Loss(w.Rnd.IntN(3)))
	n.ReturnIn(w.Between(0, 7*w.downAfter()))
	if w.Rnd.IntN(2) == 0 { // before anybody has called it down
		n.ReturnIn(w.Between(0, w.downAfter()))
	}
	if w.Options.Voice == scenario.Sentinels && w.Rnd.IntN(4) == 0 {
		// perhaps it comes back as a primary that nobody names
		w.After(n.BackAt-w.Now+100*time.Millisecond, w.lie)
	}
}

// stormSentinel ends, freezes or corrupts a Sentinel.
func (w *Faults) stormSentinel(s *sentinel.Sentinel) {
	switch w.Rnd.IntN(3) {
	case 0:
		w.Tracef("%s dies", s.Addr)
		s.Die()
	case 1:
		s.Freeze(w.Between(0, 3*time.Second))
	case 2:
		w.lie()
	}
}

// partition cuts a server, a Sentinel, or a server with the gateway from all others, or a single link.
func (w *Faults) partition(n *redis.Node, s *sentinel.Sentinel) {
	d := w.Between(50*time.Millisecond, 7*w.downAfter())
	switch w.Rnd.IntN(5) {
	case 0:
		w.Sever(network.Gateway, n.Place(), d)
	case 1:
		w.Sever(network.Gateway, s.Place(), d)
	case 2:
		w.isolate(n.Place(), false, d)
	case 3:
		w.isolate(n.Place(), true, d)
	case 4:
		w.isolate(s.Place(), false, d)
	}
}

// leave leaves a primary with the gateway, and perhaps with a Sentinel, on one side of a partition.
func (w *Faults) leave(p *redis.Node, s *sentinel.Sentinel) {
	side, d := []network.Place{network.Gateway, p.Place()}, w.Between(4*time.Second, 10*time.Second)
	if w.Rnd.IntN(2) == 0 {
		side = append(side, s.Place())
	}
	for _, here := range side {
		for _, n := range w.Nodes {
			if n != p {
				w.Sever(here, n.Place(), d)
			}
		}
		for _, o := range w.List {
			if !slices.Contains(side, o.Place()) {
				w.Sever(here, o.Place(), d)
			}
		}
	}
}

// isolate cuts a place from all others, but for the gateway where that stays with it.
func (w *Faults) isolate(p network.Place, withGateway bool, d time.Duration) {
	others := []network.Place{network.Gateway}
	for _, n := range w.Nodes {
		others = append(others, n.Place())
	}
	for _, s := range w.List {
		others = append(others, s.Place())
	}
	for _, o := range others {
		switch {
		case o == p:
		case withGateway && o != network.Gateway:
			w.Sever(p, o, d)
			w.Sever(network.Gateway, o, d)
		case !withGateway:
			w.Sever(p, o, d)
		}
	}
}

// behindSentinels is a FAILOVER that the server itself is asked for, or a REPLICAOF. Sentinels see it later.
func (w *Faults) behindSentinels(n *redis.Node) {
	p := n.Following
	if p == nil || !p.Primary || !p.Up() || !n.Up() || n.Link != redis.LinkUp || w.Cut(n.Place(), p.Place()) {
		return
	}
	if w.Rnd.IntN(2) == 0 {
		w.Tracef("FAILOVER from %s to %s", p.Addr, n.Addr)
		n.CatchUp()
	} else {
		w.Tracef("REPLICAOF NO ONE at %s, REPLICAOF %s at %s", n.Addr, n.Addr, p.Addr)
	}
	n.Promote()
	p.Demote(n)
}

// lie has a Sentinel tell the gateway what is not true: that another node is primary, with preference one that says so
// itself.
func (w *Faults) lie() {
	s := w.Liar()
	about := w.Nodes[w.Rnd.IntN(len(w.Nodes))]
	for _, n := range w.Nodes {
		if n.Primary && n.Up() && n != s.Primary {
			about = n
		}
	}
	s.BeginToLie(about, uint64(w.Rnd.IntN(3)))
	w.retransmit()
	s.Mislead(w.Rnd.IntN(4))
}

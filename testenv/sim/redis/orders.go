package redis

import (
	"fmt"
	"strings"
	"time"

	"evergate/gateway/session"
	"evergate/routing"
	"evergate/testenv/sim/network"
	"evergate/testenv/sim/scenario"
)

// Recover brings a node back, and tells one that thawed who is primary now.
func (w *Servers) Recover(n *Node) {
	if w.Options.RealState() {
		if !n.Alive && w.Now >= n.BackAt {
			n.restart()
		}
		return
	}
	if !n.Alive && w.Now >= n.BackAt {
		n.Alive = true
		n.loadingUntil = w.Now + w.Between(0, 300*time.Millisecond)
		w.Tracef("%s is back", n.Addr)
		if n.shard.Primary != n {
			w.Follow(n)
		}
	}
	if n.Alive && n.Primary && n.shard.Primary != n && w.Now >= n.FrozenUntil && w.Rnd.IntN(30) == 0 {
		w.Tracef("%s learns that it is a replica now", n.Addr)
		w.Follow(n)
		w.BreakAll(n)
	}
}

// Follow makes a node a replica with all that its primary has.
func (w *Servers) Follow(n *Node) {
	p := n.shard.Primary
	n.Primary, n.queue = false, nil
	n.copies++
	n.replID, n.Offset = p.replID, p.Offset
	w.Ledger.Copied(p.ID, n.ID, w.Now)
	w.replace(n, Clone(p.data))
}

func (w *Servers) BreakAll(n *Node) {
	for _, l := range w.Sockets {
		if l.Node == n {
			l.Snap()
		}
	}
}

// MoveKeys moves all keys of a tag, or about half of them, on every node.
func (w *Servers) MoveKeys(tag string, from, to *Shard, all bool) {
	for _, n := range from.Nodes {
		n.CatchUp()
	}
	for k, by := range from.Primary.data {
		name, _, _ := strings.Cut(k, "#") // a list goes whole
		if k[1:1+len(tag)] != tag || !all && len(name)%2 == 0 {
			continue
		}
		for _, n := range to.Nodes {
			w.bring(n, write{key: k, by: by, exec: w.Ledger.Requests[by].Ran[name]})
		}
		for _, n := range from.Nodes {
			delete(n.data, k)
			n.touched(k)
		}
	}
}

// bring gives a node a key of a slot that moves to it. Where replicas are held to what was acknowledged they lag with
// that as well.
func (w *Servers) bring(n *Node, wr write) {
	if n != n.shard.Primary && w.Options.Consistency == session.Gateway {
		wr.at = w.Now + w.Between(0, 50*time.Millisecond)
		n.queue = append(n.queue, wr)
		return
	}
	n.apply(wr)
}

// Kill ends a process; its data are on its disk, and it comes back in a while.
func (n *Node) Kill(costs Loss) {
	w := n.w
	w.Tracef("%s dies", n.Addr)
	n.loses, n.scripts = costs, nil
	n.Alive, n.BackAt = false, w.Now+w.Between(0, 1500*time.Millisecond)
	n.FrozenUntil = 0
	w.BreakAll(n)
	for _, l := range w.Sockets {
		if l.Node == n {
			l.served = false
			l.ToNode, l.In = network.Pipe{}, nil
		}
	}
}

// ReturnIn has a process that has ended come back in d.
func (n *Node) ReturnIn(d time.Duration) { n.BackAt = n.w.Now + d }

// Freeze keeps a process from doing anything for d.
func (n *Node) Freeze(d time.Duration) {
	n.FrozenUntil = n.w.Now + d
	n.w.Tracef("%s freezes until %v", n.Addr, n.FrozenUntil)
}

// SetPace has a node run so many commands in a round.
func (n *Node) SetPace(commands int) { n.pace = commands }

// LoseLink has a replica say for d that its link to the primary is down.
func (n *Node) LoseLink(d time.Duration) { n.linkUntil = n.w.Now + d }

// CallDown has a node say for d that the cluster is down.
func (n *Node) CallDown(d time.Duration) { n.downUntil = n.w.Now + d }

// LagBehind has writes take d from the primary to a replica, for a second.
func (n *Node) LagBehind(d time.Duration) {
	n.lag = d
	n.w.After(time.Second, func() { n.lag = time.Millisecond })
}

// CatchUp has a replica take all that is under way to it.
func (n *Node) CatchUp() {
	for _, wr := range n.queue {
		n.apply(wr)
	}
	n.queue = nil
}

// LosesQueue notes that what is under way to a replica will never be in its data.
func (n *Node) LosesQueue() {
	for _, wr := range n.queue {
		n.w.Ledger.Loses(wr.exec)
	}
}

// StepDown has a node that is down know that it is no primary any more.
func (n *Node) StepDown() { n.Primary = false }

// Lead makes a node the primary of its shard, whom all replicas of that follow.
func (w *Servers) Lead(s *Shard, next *Node) {
	next.queue, next.Primary = nil, true
	next.replID = w.Name()
	s.Primary = next
	for _, n := range s.Nodes {
		if n != next && !n.Primary {
			w.Follow(n)
		}
	}
}

// BeginMove has a slot move to another shard.
func (w *Servers) BeginMove(slot int, to *Shard) {
	w.Tracef("slot %d begins to move from %s to %s", slot, w.Owner(slot).Primary.Addr, to.Primary.Addr)
	w.Moving[slot] = to
}

// EndMove gives a slot to the shard that it moved to.
func (w *Servers) EndMove(slot int) {
	w.Owners[slot] = w.Moving[slot]
	delete(w.Moving, slot)
}

// Heal ends all faults of the servers; what was frozen thaws.
func (w *Servers) Heal() {
	if w.Options.RealState() {
		for _, n := range w.Nodes {
			n.FrozenUntil, n.lag = 0, time.Millisecond
			n.BackAt = w.Now
			w.Recover(n)
		}
		return
	}
	for _, n := range w.Nodes {
		if !n.Alive {
			n.BackAt = w.Now
		}
		w.Recover(n)
		n.FrozenUntil, n.loadingUntil, n.linkUntil, n.downUntil = 0, 0, 0, 0
		n.pace = 1 << 20
	}
	for _, n := range w.Nodes {
		if n.Primary && n.shard.Primary != n {
			w.Follow(n)
			w.BreakAll(n)
		}
	}
	for tag := range scenario.Tags {
		name := fmt.Sprintf("t%d", tag)
		slot := routing.Slot([]byte(name))
		if to := w.Moving[slot]; to != nil {
			w.MoveKeys(name, w.Owner(slot), to, true)
			w.EndMove(slot)
		}
	}
}

// Package faults decides what breaks in a run, and when. How a thing breaks is the business of the room that has it.
package faults

import (
	"fmt"
	"time"

	"evergate/routing"
	"evergate/testenv/sim/control"
	"evergate/testenv/sim/redis"
	"evergate/testenv/sim/scenario"
	"evergate/testenv/sim/sentinel"
)

// Faults is what happens to the servers, the Sentinels, the network and the gateway's threads while a run is wild.
type Faults struct {
	*sentinel.Sentinels
	// Of the two control planes one is nil.
	oracle  *control.Oracle
	keeper  *control.Keeper
	gateway Gateway
	stormAt time.Duration
}

// Gateway is what faults do to the gateway's workers and hear of them.
type Gateway struct {
	Workers int
	// Stall keeps the thread of a worker from running for a while.
	Stall func(worker int, d time.Duration)
	// Agreed says that nothing is left to be settled.
	Agreed func() bool
}

// New returns the faults of a run. One of the control planes is nil.
func New(w *sentinel.Sentinels, o *control.Oracle, k *control.Keeper, g Gateway) *Faults {
	return &Faults{Sentinels: w, oracle: o, keeper: k, gateway: g}
}

// Heal ends all of them.
func (w *Faults) Heal() {
	w.Settle()
	w.Sentinels.Heal()
	if w.keeper != nil {
		w.keeper.Stall(0)
		return
	}
	w.oracle.Heal()
}

// downAfter is how long a server may be silent before others act on it.
func (w *Faults) downAfter() time.Duration {
	if w.Options.Voice == scenario.Bus {
		return w.Servers.DownAfter
	}
	return w.Pace.DownAfter
}

// Fate lets something happen, now and then.
func (w *Faults) Fate() {
	for _, n := range w.Nodes {
		w.Recover(n)
	}
	if w.Options.RealState() {
		w.storm()
		return
	}
	if w.Rnd.IntN(12) > 0 {
		return
	}
	n := w.Nodes[w.Rnd.IntN(len(w.Nodes))]
	s := w.Shards[w.Rnd.IntN(len(w.Shards))]
	switch w.Rnd.IntN(16) {
	case 0, 1:
		w.breakSome()
	case 2:
		n.Freeze(w.Between(0, 2500*time.Millisecond))
	case 3:
		n.Kill(redis.LoseNothing)
	case 4, 5:
		w.switchOver(s)
	case 6:
		w.failOver(s)
	case 7, 8, 9:
		w.moveSlot()
	case 10:
		n.SetPace(1 + w.Rnd.IntN(3))
		if w.Rnd.IntN(2) == 0 {
			n.SetPace(1 << 20)
		}
	case 11:
		n.LoseLink(w.Between(0, 300*time.Millisecond))
	case 12:
		n.CallDown(w.Between(0, 300*time.Millisecond))
	case 13:
		w.oracle.Flap()
	default:
		w.oracle.Announce(w.Between(0, 100*time.Millisecond))
	}
}

// breakSome breaks one of the connections, with preference one that brings a long reply, or an element of a list.
func (w *Faults) breakSome() {
	if len(w.Sockets) == 0 {
		return
	}
	l := w.Sockets[w.Rnd.IntN(len(w.Sockets))]
	for _, other := range w.Sockets {
		if other.ToGate.Size > 16<<10 || other.BringsElement() {
			l = other
		}
	}
	l.Snap()
}

// switchOver is a planned change of roles: nothing is lost, and connections stay or are closed.
func (w *Faults) switchOver(s *redis.Shard) {
	next := s.Nodes[w.Rnd.IntN(len(s.Nodes))]
	old := s.Primary
	if next == old || !next.Alive || !old.Alive || w.Now < old.FrozenUntil || w.Now < next.FrozenUntil {
		return
	}
	w.Tracef("%s hands over to %s", old.Addr, next.Addr)
	next.CatchUp()
	w.Lead(s, next)
	w.oracle.Announce(w.Between(0, 600*time.Millisecond))
	w.Follow(old)
	if w.Rnd.IntN(2) == 0 {
		w.BreakAll(old)
	}
}

// failOver promotes a replica of a primary that does not answer. What the replica has not got is lost.
func (w *Faults) failOver(s *redis.Shard) {
	next := s.Nodes[w.Rnd.IntN(len(s.Nodes))]
	old := s.Primary
	if next == old || !next.Alive || w.Now < next.FrozenUntil || old.Alive && w.Now >= old.FrozenUntil {
		return
	}
	w.Tracef("%s is promoted in place of %s", next.Addr, old.Addr)
	next.LosesQueue()
	w.Lead(s, next)
	w.oracle.Announce(w.Between(0, 600*time.Millisecond))
	if !old.Alive {
		old.StepDown()
	}
}

// moveSlot begins to move one of the slots that are used, moves some of its keys, or ends it.
func (w *Faults) moveSlot() {
	if !w.Options.Cluster {
		return
	}
	tag := fmt.Sprintf("t%d", w.Rnd.IntN(scenario.Tags))
	slot := routing.Slot([]byte(tag))
	from, to := w.Owner(slot), w.Moving[slot]
	if to == nil {
		if to = w.Shards[w.Rnd.IntN(len(w.Shards))]; to != from {
			w.BeginMove(slot, to)
		}
		return
	}
	all := w.Rnd.IntN(3) == 0
	w.MoveKeys(tag, from, to, all)
	if all {
		w.Tracef("slot %d belongs to %s", slot, to.Primary.Addr)
		w.EndMove(slot)
		w.oracle.Announce(w.Between(0, 400*time.Millisecond))
	}
}

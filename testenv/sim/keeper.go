package sim

import (
	"fmt"
	"slices"
	"time"

	"evergate/topology"
)

// keeper is the control plane of the gateway: the real State, and in place of topology.Keeper and topology/watch what
// they do, on the clock and the network of the simulation.
type keeper struct {
	w     *world
	state *topology.State
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

func (w *world) makeKeeper() *keeper {
	k := &keeper{w: w, told: make([]uint64, len(w.gates)), acks: map[topology.NodeID]uint64{},
		asking: map[string]bool{}, chased: map[string]time.Duration{},
		runs: map[string]topology.RoleSeen{}}
	set := topology.Settings{Mode: topology.BySentinel, Shard: masterName, Barrier: true,
		Acked: func(id topology.NodeID) uint64 { return k.acks[id] }}
	if w.o.Voice == Bus {
		set.Mode = topology.ByCluster
		for _, n := range w.nodes {
			set.Seeds = append(set.Seeds, n.addr)
		}
	}
	for _, s := range w.sentinels {
		set.Sentinels = append(set.Sentinels, s.addr)
		k.pollAt = append(k.pollAt, 0)
	}
	k.state = topology.NewState(set)
	return k
}

// turn steps the State through what has come.
func (k *keeper) turn() {
	w := k.w
	if w.now < k.stalledUntil {
		return
	}
	if w.now >= k.tickAt {
		k.tickAt = w.now + topology.TickEvery
		k.inbox = append(k.inbox, topology.Tick{})
	}
	for i, s := range w.sentinels {
		if w.now >= k.pollAt[i] {
			k.pollAt[i] = w.now + w.between(pollEvery*9/10, pollEvery)
			k.ask(s.addr)
		}
	}
	for len(k.inbox) > 0 {
		o := k.inbox[0]
		k.inbox = k.inbox[1:]
		k.step(o)
	}
}

func (k *keeper) tell(o topology.Observation) { k.inbox = append(k.inbox, k.bend(o)...) }

func (k *keeper) step(o topology.Observation) {
	w := k.w
	if _, tick := o.(topology.Tick); !tick {
		w.tracef("  keeper: %s", observed(o))
	}
	effects, events := k.state.Step(o, wall(w.now))
	for _, e := range events {
		w.tracef("  event: %s", e)
		w.judge.told(e)
	}
	for _, e := range effects {
		switch e := e.(type) {
		case topology.Publish:
			k.publish(e.View)
		case topology.Probe:
			k.ask(e.Addr)
		case topology.Chase:
			k.chased[e.Addr] = w.now + e.For
			k.ask(e.Addr)
		case topology.Refresh:
			for _, addr := range e.Ask {
				if w.o.Voice == Bus {
					addr = slotsOf + addr
				}
				k.ask(addr)
			}
		}
	}
}

// wall is the time of day.
func wall(now time.Duration) time.Time { return time.Unix(1000, 0).Add(now) }

func observed(o topology.Observation) string {
	switch o := o.(type) {
	case topology.RoleSeen:
		return fmt.Sprintf("%s says %v, offset %d, run %s, replid %s, from %s to %d, up %v", o.Addr, o.Role, o.Offset,
			o.RunID, o.ReplID, o.ReplID2, o.SecondOffset, o.LinkUp)
	case topology.SentinelSays:
		return fmt.Sprintf("%s says %s, epoch %d, down %d", o.Sentinel, o.Primary, o.ConfigEpoch, o.Down)
	}
	return fmt.Sprintf("%T%+v", o, o)
}

func (k *keeper) publish(v *topology.View) {
	k.w.tracef("view %d: %s", v.Epoch, describe(v))
	k.w.judge.published(k.view, v)
	k.view = v
	if k.w.o.Bug == NoBarrier {
		k.tell(topology.Settled{Epoch: v.Epoch})
	}
}

// settled takes a worker's word, as topology.Keeper does.
func (k *keeper) settled(worker int, epoch uint64) {
	k.w.tracef("worker %d has settled view %d", worker, epoch)
	k.told[worker] = max(k.told[worker], epoch)
	if lowest := slices.Min(k.told); lowest > k.all {
		k.all = lowest
		k.tell(topology.Settled{Epoch: lowest})
	}
}

// question is one that is under way to a Sentinel or a server.
type question struct {
	k       *keeper
	addr    string
	place   place
	begunAt time.Duration
	again   bool // it broke once
	// up says that the process can answer, there that it runs, killed when it last cut all connections; answer is
	// what it says now.
	up, there func() bool
	killed    func() time.Duration
	answer    func() topology.Observation
	lost      func(why string) topology.Observation
}

// ask asks a Sentinel or a server, unless that is under way: then once more when it has ended.
func (k *keeper) ask(addr string) {
	if _, under := k.asking[addr]; under {
		k.asking[addr] = true
		return
	}
	q := k.question(addr)
	if q == nil {
		k.tell(topology.NodeLost{Addr: addr, Why: "no such host"})
		return
	}
	k.asking[addr] = false
	k.w.after(k.w.delay(), q.arrive)
}

func (k *keeper) question(addr string) *question {
	w := k.w
	asked, acked := wall(w.now), k.acks[k.nodeID(addr)]
	for _, n := range w.nodes {
		slots := addr == slotsOf+n.addr
		if n.addr != addr && !slots {
			continue
		}
		return &question{k: k, addr: addr, place: n.place(), begunAt: w.now, up: n.up,
			there: func() bool { return n.alive }, killed: func() time.Duration { return n.killedAt },
			answer: func() topology.Observation {
				if slots {
					return n.slotsSeen()
				}
				r := n.roleSeen()
				r.Acked, r.Asked = acked, asked
				return r
			},
			lost: func(why string) topology.Observation { return topology.NodeLost{Addr: n.addr, Why: why} }}
	}
	for _, s := range w.sentinels {
		if s.addr == addr {
			return &question{k: k, addr: addr, place: s.place(), begunAt: w.now, up: s.up,
				there: func() bool { return s.alive }, killed: func() time.Duration { return 0 },
				answer: func() topology.Observation {
					says := s.says()
					says.Asked = asked
					return says
				},
				lost: func(why string) topology.Observation { return topology.SentinelLost{Sentinel: addr, Why: why} }}
		}
	}
	return nil
}

// arrive has the question come to who is asked.
func (q *question) arrive() {
	w := q.k.w
	switch {
	case w.now-q.begunAt >= askTimeout:
		q.end(q.lost("i/o timeout"))
	case !q.there() && !w.cut(gateway, q.place):
		q.end(q.lost("connection refused"))
	case q.killed() > q.begunAt:
		q.broken()
	case !q.up() || w.cut(gateway, q.place):
		w.after(askAgain, q.arrive)
	default:
		answer := q.answer()
		w.after(w.delay(), func() { q.bring(answer) })
	}
}

// bring has the answer come to the gateway.
func (q *question) bring(answer topology.Observation) {
	w := q.k.w
	switch {
	case q.killed() > q.begunAt:
		q.broken()
	case w.cut(gateway, q.place) && w.now-q.begunAt >= askTimeout:
		q.end(q.lost("i/o timeout"))
	case w.cut(gateway, q.place):
		w.after(askAgain, func() { q.bring(answer) })
	default:
		q.end(answer)
	}
}

// broken asks once more over a new connection.
func (q *question) broken() {
	if q.again {
		q.end(q.lost("EOF"))
		return
	}
	next := q.k.question(q.addr)
	next.again = true
	q.k.w.after(q.k.w.delay(), next.arrive)
}

func (q *question) end(o topology.Observation) {
	k, w := q.k, q.k.w
	k.tell(o)
	pause := time.Duration(0)
	switch o.(type) {
	case topology.NodeLost:
		pause = w.between(10*time.Millisecond, 300*time.Millisecond) // who is out of reach is not tried faster
	case topology.SentinelLost:
		pause = w.between(10*time.Millisecond, 300*time.Millisecond)
		k.asking[q.addr] = true
	}
	if w.now < k.chased[q.addr] {
		pause = min(max(pause, chaseGap), 10*chaseGap)
		k.asking[q.addr] = true
	}
	w.after(pause, func() {
		again := k.asking[q.addr]
		delete(k.asking, q.addr)
		if again {
			k.ask(q.addr)
		}
	})
}

// nodeID is the number that the State gave an address, or -1.
func (k *keeper) nodeID(addr string) topology.NodeID {
	if k.view != nil {
		if n := k.view.NodeByAnnounced(addr); n != nil {
			return n.ID
		}
	}
	return -1
}

// publish has a Sentinel tell those who subscribed to it. A message may come late, twice, or never.
func (s *sentinel) publish(channel, payload string) {
	w := s.w
	w.tracef("%s: %s %s", s.addr, channel, payload)
	copies := 1
	if !w.calm && !w.o.Planned && w.rnd.IntN(20) == 0 {
		copies = 2 * w.rnd.IntN(2)
	}
	for range copies {
		w.message(s.place(), gateway, false, func() {
			w.keeper.tell(topology.SentinelMessage{Sentinel: s.addr, Channel: channel, Payload: payload})
		})
	}
}

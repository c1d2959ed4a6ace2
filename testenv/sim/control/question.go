package control

import (
	"time"

	"evergate/testenv/sim/network"
	"evergate/topology"
)

// question is one that is under way to a Sentinel or a server.
type question struct {
	k       *Keeper
	addr    string
	place   network.Place
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
func (k *Keeper) ask(addr string) {
	if _, under := k.asking[addr]; under {
		k.asking[addr] = true
		return
	}
	q := k.question(addr)
	if q == nil {
		k.Observe(topology.NodeLost{Addr: addr, Why: "no such host"})
		return
	}
	k.asking[addr] = false
	k.w.After(k.w.Delay(), q.arrive)
}

func (k *Keeper) question(addr string) *question {
	w := k.w
	asked, acked := Wall(w.Now), k.acks[k.nodeID(addr)]
	for _, n := range w.Nodes {
		slots := addr == slotsOf+n.Addr
		if n.Addr != addr && !slots {
			continue
		}
		return &question{k: k, addr: addr, place: n.Place(), begunAt: w.Now, up: n.Up,
			there: func() bool { return n.Alive }, killed: func() time.Duration { return n.KilledAt },
			answer: func() topology.Observation {
				if slots {
					return n.SlotsSeen()
				}
				r := n.RoleSeen()
				r.Acked, r.Asked = acked, asked
				return r
			},
			lost: func(why string) topology.Observation { return topology.NodeLost{Addr: n.Addr, Why: why} }}
	}
	for _, s := range w.List {
		if s.Addr == addr {
			return &question{k: k, addr: addr, place: s.Place(), begunAt: w.Now, up: s.Up,
				there: func() bool { return s.Alive }, killed: func() time.Duration { return 0 },
				answer: func() topology.Observation {
					says := s.Says()
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
	case w.Now-q.begunAt >= askTimeout:
		q.end(q.lost("i/o timeout"))
	case !q.there() && !w.Cut(network.Gateway, q.place):
		q.end(q.lost("connection refused"))
	case q.killed() > q.begunAt:
		q.broken()
	case !q.up() || w.Cut(network.Gateway, q.place):
		w.After(askAgain, q.arrive)
	default:
		answer := q.answer()
		w.After(w.Delay(), func() { q.bring(answer) })
	}
}

// bring has the answer come to the gateway.
func (q *question) bring(answer topology.Observation) {
	w := q.k.w
	switch {
	case q.killed() > q.begunAt:
		q.broken()
	case w.Cut(network.Gateway, q.place) && w.Now-q.begunAt >= askTimeout:
		q.end(q.lost("i/o timeout"))
	case w.Cut(network.Gateway, q.place):
		w.After(askAgain, func() { q.bring(answer) })
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
	q.k.w.After(q.k.w.Delay(), next.arrive)
}

func (q *question) end(o topology.Observation) {
	k, w := q.k, q.k.w
	k.Observe(o)
	pause := time.Duration(0)
	switch o.(type) {
	case topology.NodeLost:
		pause = w.Between(10*time.Millisecond, 300*time.Millisecond) // who is out of reach is not tried faster
	case topology.SentinelLost:
		pause = w.Between(10*time.Millisecond, 300*time.Millisecond)
		k.asking[q.addr] = true
	}
	if w.Now < k.chased[q.addr] {
		pause = min(max(pause, chaseGap), 10*chaseGap)
		k.asking[q.addr] = true
	}
	w.After(pause, func() {
		again := k.asking[q.addr]
		delete(k.asking, q.addr)
		if again {
			k.ask(q.addr)
		}
	})
}

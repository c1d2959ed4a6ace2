package control

import (
	"time"

	"evergate/gateway/freshness"
	"evergate/testenv/sim/network"
	"evergate/testenv/sim/redis"
	"evergate/testenv/sim/scenario"
	"evergate/topology"
)

// Poller asks servers for their offsets: the real freshness.State, and in place of gateway/poller and topology/watch
// what they do, on the clock and the network of the simulation.
type Poller struct {
	w       *redis.Servers
	Service *freshness.Service
	state   *freshness.State
	woken   bool
	nextAt  time.Duration
	// What bugs need: what each server said last, the highest offset in each history, and the first run of each server in
	// it.
	before  map[string]topology.RoleSeen
	highest map[string]int64
	runs    map[string]string
}

// never is later than any run lasts.
const never = 1 << 62

// NewPoller returns one whose workers share its Service.
func NewPoller(w *redis.Servers) *Poller {
	p := &Poller{w: w, before: map[string]topology.RoleSeen{}, highest: map[string]int64{}, runs: map[string]string{}}
	p.Service = freshness.New(w.Options.Seed, Wall(0), func() { p.woken = true })
	p.state = freshness.NewState(p.Service)
	return p
}

// Published takes a view before the workers do.
func (p *Poller) Published(v *topology.View) {
	if p.w.Options.Bug == scenario.MoveProof {
		same := *v
		same.Sharded = false // as if no slot had moved
		v = &same
	}
	p.Service.Publish(v)
}

// Turn asks what the State wants to know.
func (p *Poller) Turn() {
	if !p.woken && p.w.Now < p.nextAt {
		return
	}
	p.woken, p.nextAt = false, never
	asks, wait := p.state.Next(Wall(p.w.Now))
	if wait >= 0 {
		p.nextAt = p.w.Now + wait
	}
	for _, a := range asks {
		p.ask(a)
	}
}

// polled is a question under way to a server.
type polled struct {
	*Poller
	ask     freshness.Ask
	node    *redis.Node
	begunAt time.Duration
}

func (p *Poller) ask(a freshness.Ask) {
	q := &polled{Poller: p, ask: a, begunAt: p.w.Now}
	for _, n := range p.w.Nodes {
		if n.Addr == a.Addr {
			q.node = n
		}
	}
	p.w.After(p.w.Delay(), q.arrive)
}

// arrive has the question come to the server.
func (q *polled) arrive() {
	switch w, n := q.w, q.node; {
	case w.Now-q.begunAt >= askTimeout, !n.Alive, n.KilledAt > q.begunAt:
		q.end(freshness.Answer{Outcome: freshness.Lost})
	case !n.Up() || w.Cut(network.Gateway, n.Place()):
		w.After(askAgain, q.arrive)
	default:
		seen := q.bend(redis.OffsetSeen(n))
		w.After(w.Delay(), func() { q.bring(seen) })
	}
}

// bring has the answer come to the gateway.
func (q *polled) bring(seen topology.RoleSeen) {
	switch w := q.w; {
	case q.node.KilledAt > q.begunAt, w.Now-q.begunAt >= askTimeout:
		q.end(freshness.Answer{Outcome: freshness.Lost})
	case w.Cut(network.Gateway, q.node.Place()):
		w.After(askAgain, func() { q.bring(seen) })
	default:
		q.end(freshness.Answer{Role: seen.Role, RunID: seen.RunID, ReplID: seen.ReplID, Offset: seen.Offset,
			Syncing: seen.Syncing})
	}
}

func (q *polled) end(a freshness.Answer) {
	q.w.Tracef("poll %d: %s says %v, offset %d, run %s, replid %s", q.ask.Poll, q.ask.Addr, a.Role, a.Offset, a.RunID,
		a.ReplID)
	q.state.Answered(q.ask, a, Wall(q.w.Now))
	q.woken = true
}

// bend makes of what a server says what the bug makes of it.
func (q *polled) bend(seen topology.RoleSeen) topology.RoleSeen {
	before, in := q.before[seen.Addr], seen.Addr+seen.ReplID
	q.before[seen.Addr] = seen
	q.highest[seen.ReplID] = max(q.highest[seen.ReplID], seen.Offset)
	if q.runs[in] == "" {
		q.runs[in] = seen.RunID
	}
	switch {
	case seen.Role == topology.RolePrimary:
		if q.w.Options.Bug == scenario.PollEarly && before.RunID == seen.RunID && before.ReplID == seen.ReplID {
			return before
		}
	case q.w.Options.Bug == scenario.KeepProof && q.runs[in] != seen.RunID:
		seen.Offset = q.highest[seen.ReplID]
	}
	return seen
}

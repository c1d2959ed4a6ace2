package sentinel

import (
	"fmt"
	"time"

	"evergate/testenv/sim/redis"
	"evergate/testenv/sim/scenario"
	"evergate/topology"
)

// Sentinels are all that watch the servers of a run.
type Sentinels struct {
	*redis.Servers
	List []*Sentinel
	Pace pace
	// Hears is told of what the gateway, subscribed to each, hears of them.
	Hears func(topology.Observation)
}

// New has three or five watch the servers; none where the views come otherwise.
func New(w *redis.Servers, hears func(topology.Observation)) *Sentinels {
	all := &Sentinels{Servers: w, Hears: hears}
	if w.Options.Voice != scenario.Sentinels {
		return all
	}
	count := 3 + 2*w.Rnd.IntN(2)
	hello := w.Between(100*time.Millisecond, 600*time.Millisecond)
	all.Pace = pace{DownAfter: w.Between(200*time.Millisecond, 800*time.Millisecond), ping: 50 * time.Millisecond,
		info: 100 * time.Millisecond, ask: 50 * time.Millisecond, hello: hello, election: 500 * time.Millisecond,
		failover: w.Between(time.Second, 3*time.Second)}
	for i := range count {
		s := &Sentinel{w: all, id: i, Addr: fmt.Sprintf("sentinel%d:26379", i), Alive: true, Primary: w.Nodes[0],
			votedFor: -1, opinions: make([]time.Duration, count), named: map[*redis.Node]time.Duration{}}
		for _, n := range w.Nodes {
			s.servers = append(s.servers, &watched{node: n, primary: n.Primary, following: n.Following, linkUp: true})
		}
		all.List = append(all.List, s)
		w.Join(s.Place(), s.Addr)
	}
	return all
}

// Heal ends all faults of the servers and of the Sentinels.
func (w *Sentinels) Heal() {
	w.Servers.Heal()
	for _, s := range w.List {
		s.frozenUntil, s.dies, s.lie = 0, noStep, nil
		s.revive()
	}
}

// MajorityNames says that a majority of the Sentinels names a node, or did a while ago.
func (w *Sentinels) MajorityNames(n *redis.Node) bool {
	count := 0
	for _, s := range w.List {
		if at, ever := s.named[n]; ever && w.Now-at < namedFor {
			count++
		}
	}
	return count >= w.quorum()
}

// Turn gives each Sentinel one.
func (w *Sentinels) Turn() {
	for _, s := range w.List {
		s.Turn()
	}
}

func (w *Sentinels) AnySentinel() *Sentinel { return w.List[w.Rnd.IntN(len(w.List))] }

// Liar is the only Sentinel that lies.
func (w *Sentinels) Liar() *Sentinel { return w.List[0] }

// quorum is a majority of all Sentinels.
func (w *Sentinels) quorum() int { return len(w.List)/2 + 1 }

// namedFor is how long ago a Sentinel may have named a node for it to count.
const namedFor = 2 * time.Second

// pace are the inner clocks of the Sentinels of a world.
type pace struct {
	DownAfter, ping, info, ask, hello, election, failover time.Duration
}

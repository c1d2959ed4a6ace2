package judge

import (
	"time"

	"evergate/testenv/sim/network"
	"evergate/testenv/sim/redis"
)

// Where a partition may have left the primary on the side of the gateway (--fence-minority), writes must have stopped
// 5 s after both conditions were met: the gateway reaches fewer than half of the Sentinels, and the primary has no
// replica.

const (
	// fencedIn is that time, and for how long a worker and the keeper may be kept from their turns.
	fencedIn = 5*time.Second + 500*time.Millisecond
	// sparesIn is for how long a new primary may be without replicas.
	sparesIn = 5 * time.Second
)

// minority is since when the conditions are met, and of which primary; the zero value while they are not.
type minority struct {
	alone *redis.Node
	since time.Duration
	// ledBy is the last primary that a view named, since when. Fenced is how often writes had to stop.
	ledBy  *redis.Node
	leads  time.Duration
	Fenced int
	fenced bool
}

// Turn looks whether the conditions are met.
func (j *Judge) Turn() {
	w, m := j.w, &j.minority
	if !w.Options.Fence || j.view == nil {
		return
	}
	p := j.nodeOf(j.view.Shards[0].Standing())
	if p != m.ledBy {
		m.ledBy, m.leads = p, w.Now
	}
	reached := 0
	for _, s := range w.List {
		if s.Up() && !w.Cut(network.Gateway, s.Place()) {
			reached++
		}
	}
	usable := p != nil && p.Primary && p.Up() && !w.Cut(network.Gateway, p.Place())
	if !usable || redis.Replicated(p) || 2*reached >= len(w.List) {
		m.alone, m.fenced = nil, false
		return
	}
	if m.alone != p {
		m.alone, m.since = p, w.Now
	}
	if !m.fenced && w.Now > m.since+fencedIn {
		m.fenced = true
		m.Fenced++
	}
}

// sentInMinority looks at a write that is sent to a node.
func (j *Judge) sentInMinority(worker int, n *redis.Node) {
	w, m := j.w, &j.minority
	if m.alone == n && w.Now > m.since+fencedIn && w.Now > m.leads+sparesIn+time.Second {
		w.Ledger.Fail("worker %d sent a write to %s, which has been without replicas since %v, as the gateway is without a "+
			"majority of the Sentinels", worker, n.Addr, m.since)
	}
}

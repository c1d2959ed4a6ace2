package decide

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"evergate/topology"
)

// Settings.FenceMinority: a primary that a partition has left on the side of the gateway, with fewer than half of the
// Sentinels and without a replica, may have been replaced on the other side, and the gateway does not hear of that. It
// gets no writes until half of the Sentinels are reachable and stand by it, or a replica has come back to it.

const (
	// minorityAfter is how long the gateway must see a minority, and the primary be without replicas. It takes up to 4 s
	// to notice both, and writes stop within 5 s.
	minorityAfter = 500 * time.Millisecond
	// minoritySpares is how long a new primary may be without replicas, which have to synchronize with it first.
	minoritySpares = 5 * time.Second
	// minorityEnds is how long a fence must be without reason before it ends. Sentinels learn of a failover by the hello
	// messages, which come every two seconds.
	minorityEnds = 2500 * time.Millisecond
)

// minority is the state of that fence.
type minority struct {
	// since is when both conditions were first met, overSince when the fence had lost its reason; zero while that is not
	// so.
	since, overSince time.Time
	// fence is why the believed primary may not be used; empty if it may.
	fence string
}

// inherit has a fence hold that was there before Reseed, until its reason is gone: other settings prove nothing. It is
// that of the primary which is believed first, or none.
func (r *sentinels) inherit(was *sentinels) {
	if r.s.settings.FenceMinority && was.minority.fence != "" {
		r.fenced, r.minority.fence = cmp.Or(was.believed, was.fenced), was.minority.fence
	}
}

// watchMinority fences the believed primary, and ends that.
func (r *sentinels) watchMinority() {
	m := &r.minority
	since, met := &m.since, r.alone() && 2*len(r.reachable()) < r.electorate()
	if m.fence != "" {
		since, met = &m.overSince, r.minorityOver()
	}
	if !met {
		*since = time.Time{}
	} else if since.IsZero() {
		*since = r.s.now
	}
	if met || m.fence != "" {
		r.s.probe(r.believed, troubledEvery)
	}
	lasted := r.s.now.Sub(*since)
	switch {
	case !met:
	case m.fence != "" && lasted >= minorityEnds:
		*m, r.s.stale = minority{}, true
	case m.fence == "" && lasted >= minorityAfter && r.s.now.Sub(r.adoptedAt) >= minoritySpares:
		r.s.stale = true
		m.fence = fmt.Sprintf("%d of %d Sentinels are reachable, and %s has no replica", len(r.reachable()), r.electorate(),
			r.believed.addr)
	}
}

// alone reports whether the believed primary has lost its replicas. One that does not report them, or has none that
// could be promoted, is never alone.
func (r *sentinels) alone() bool {
	return r.s.settings.FenceMinority && r.believed.reports(topology.RolePrimary) && !r.replicated() && r.replaceable()
}

// replicated reports whether a replica is connected to the believed primary.
func (r *sentinels) replicated() bool {
	return len(r.believed.role.Replicas) > r.believed.role.Silent
}

// minorityOver reports whether the fenced primary may be used again: half of the Sentinels stand by it, and the others
// elect no leader without one of them; or it has a replica, and no Sentinel names another primary that is newer.
func (r *sentinels) minorityOver() bool {
	if !r.believed.reports(topology.RolePrimary) {
		return false
	}
	newer := slices.ContainsFunc(r.claims(), func(c *claim) bool {
		return c.report.ConfigEpoch > r.epoch && r.s.nodes.announced(c.report.Primary) != r.believed
	})
	return 2*r.standBy() >= r.electorate() || r.replicated() && !newer
}

// standBy counts the reachable Sentinels that name the believed primary, and find nothing wrong with it.
func (r *sentinels) standBy() (n int) {
	for _, c := range r.bySentinel {
		if !c.lost && r.s.nodes.announced(c.report.Primary) == r.believed &&
			c.report.Down&(topology.SDown|topology.ODown) == 0 && !c.report.FailingOver {
			n++
		}
	}
	return n
}

// electorate is the number of Sentinels, as the reachable ones report it, or all did before they were lost. Those in
// the settings count as well: a rebuilt Sentinel knows no other.
func (r *sentinels) electorate() int {
	n := 0
	for _, name := range r.s.settings.Sentinels {
		if c := r.bySentinel[name]; c == nil || !c.twin {
			n++
		}
	}
	n = max(n, r.all())
	if len(r.reachable()) == 0 {
		for _, c := range r.bySentinel {
			n = max(n, c.report.Sentinels)
		}
	}
	return n
}

// replaceable reports whether the Sentinels know a replica that they could promote, or name another primary, which may
// come back.
func (r *sentinels) replaceable() bool {
	for _, c := range r.bySentinel {
		if c.report.Primary != "" && r.s.nodes.announced(c.report.Primary) != r.believed {
			return true
		}
		for _, v := range c.report.Replicas {
			if v.Priority != 0 && r.s.nodes.announced(v.Addr) != r.believed {
				return true
			}
		}
	}
	return false
}

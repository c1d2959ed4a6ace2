package decide

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"evergate/topology"
)

// sentinels is the rule of a service that Sentinels watch.
//
// Believed is a node that has proven its role: it reported to be primary after it was named, and it continues the
// history of the one before, or a majority of the Sentinels names it. A single Sentinel can at most hold the shard for
// a while (sentinel_hold.go), and moves nothing without that proof (sentinel_believe.go). A lower epoch never replaces
// the believed node while a single Sentinel stands by it.
type sentinels struct {
	s          *State
	bySentinel map[string]*claim
	// believed is the proven primary, epoch the config epoch under which a majority named it last, or under which it
	// was first believed; nil before the first proof.
	believed *entry
	epoch    uint64
	// why is the proof.
	why string
	// attempt is the evidence of a failover under way; nil without any.
	attempt *attempt
	// suspicions are the Sentinels that cannot hold the shard alone for a while.
	suspicions map[string]suspicion
	// trial is set while believed is provisional.
	trial *trial
	// demotedAt is when believed began to report to be a replica, unannounced by any Sentinel; zero while it does not.
	demotedAt time.Time
	// overruledAt is when a majority began to name another primary under a lower epoch; zero while none does.
	overruledAt time.Time
	// adoptedAt is when believed took over from another; zero for the first.
	adoptedAt time.Time
	// minority is about a primary cut off with the gateway; see minority.go.
	minority minority
	// fenced is the primary of the fence that was there before Reseed; nil without one. See inherit.
	fenced *entry
	// askedAt is when all Sentinels were last asked outside of their schedule.
	askedAt time.Time
}

// claim is one Sentinel's last report.
type claim struct {
	report topology.SentinelReport
	// since is when it began to name this primary with this epoch: a proof must be younger.
	since time.Time
	lost  bool
	// lostFor are the reasons that were reported since it was lost.
	lostFor reasons
	// twin: it is named under two addresses, and this one is not used.
	twin bool
}

func newSentinels(s *State) *sentinels {
	return &sentinels{s: s, bySentinel: map[string]*claim{}, suspicions: map[string]suspicion{}}
}

func (r *sentinels) observe(o topology.Observation) {
	switch o := o.(type) {
	case topology.SentinelReport:
		r.take(o)
	case topology.SentinelLost:
		r.lost(o)
	case topology.SentinelMessage:
		r.message(o)
	case topology.Report:
		if o.Kind == topology.Refused {
			r.s.refresh(r.reachable()...)
		}
	}
	if r.believed == nil {
		r.begin()
	} else {
		r.watchAttempt()
		r.watchDemotion()
		r.believe()
		r.confirm()
		r.overrule()
		r.watchMinority()
	}
	r.compare()
}

func (r *sentinels) take(o topology.SentinelReport) {
	if o.Asked.IsZero() {
		o.Asked = r.s.now
	}
	c := r.bySentinel[o.Sentinel]
	if c == nil || c.lost {
		r.s.event(Event{Kind: SentinelHeard, Subject: o.Sentinel})
	}
	if c == nil {
		c = &claim{since: r.s.now}
		r.bySentinel[o.Sentinel] = c
	} else if c.lost || c.report.Primary != o.Primary || c.report.ConfigEpoch != o.ConfigEpoch {
		c.since = r.s.now
	}
	c.report, c.lost, c.twin = o, false, false
	if c.since.Equal(r.s.now) && o.ConfigEpoch > r.epoch {
		r.s.probe(r.s.nodes.announced(o.Primary), 0)
	}
	switch {
	case o.Down&topology.ODown != 0:
		r.suspectFailover(o.Sentinel, "o_down", o.Primary)
	case o.FailingOver:
		r.suspectFailover(o.Sentinel, "failover in progress", o.Primary)
	}
}

func (r *sentinels) lost(o topology.SentinelLost) {
	c := r.bySentinel[o.Sentinel]
	if c == nil {
		c = &claim{}
		r.bySentinel[o.Sentinel] = c
	}
	if c.lost && o.Twin {
		c.twin = true
		return
	}
	if !c.lost {
		c.lost, c.twin, c.lostFor = true, o.Twin, nil
	}
	if c.lostFor.add(o.Why) {
		r.s.event(Event{Kind: SentinelGone, Subject: o.Sentinel, Why: o.Why})
	}
}

// reachable are the Sentinels that answer, in a stable order.
func (r *sentinels) reachable() []string {
	var names []string
	for name, c := range r.bySentinel {
		if !c.lost {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// last are the last reports of Sentinels before they were lost: their replicas are still true when no Sentinel is left,
// and our own probes show their state.
func (r *sentinels) last() []*claim {
	var all []*claim
	for _, c := range r.bySentinel {
		if c.report.Primary != "" {
			all = append(all, c)
		}
	}
	return all
}

// claims are the reports of reachable Sentinels, the highest epoch first, then the primary that more of them name, then
// by address.
func (r *sentinels) claims() []*claim {
	votes := map[string]int{}
	var all []*claim
	for _, name := range r.reachable() {
		c := r.bySentinel[name]
		all = append(all, c)
		votes[c.report.Primary]++
	}
	slices.SortStableFunc(all, func(a, b *claim) int {
		return cmp.Or(cmp.Compare(b.report.ConfigEpoch, a.report.ConfigEpoch),
			cmp.Compare(votes[b.report.Primary], votes[a.report.Primary]),
			cmp.Compare(a.report.Primary, b.report.Primary))
	})
	return all
}

// votes counts the reachable Sentinels that name a node.
func (r *sentinels) votes(e *entry) int {
	n := 0
	for _, c := range r.bySentinel {
		if !c.lost && r.s.nodes.announced(c.report.Primary) == e {
			n++
		}
	}
	return n
}

// all is the number of Sentinels, as the reachable ones report it, and at least the number of those: some may belong to
// another group, which has an address of this one now. If a majority must confirm, those in the settings count as well:
// a rebuilt Sentinel knows no other.
func (r *sentinels) all() int {
	n, heard := 1, 0
	if r.s.settings.ConfirmMajority {
		n = 0
		for _, name := range r.s.settings.Sentinels {
			if c := r.bySentinel[name]; c == nil || !c.twin {
				n++
			}
		}
	}
	for _, c := range r.bySentinel {
		if !c.lost {
			n = max(n, c.report.Sentinels)
			heard++
		}
	}
	return max(n, heard)
}

// most reports whether n Sentinels are more than half of all.
func (r *sentinels) most(n int) bool { return 2*n > r.all() }

// askAll asks every Sentinel again, at most every refreshGap.
func (r *sentinels) askAll() {
	if !r.askedAt.IsZero() && r.s.now.Sub(r.askedAt) < refreshGap {
		return
	}
	r.askedAt = r.s.now
	if all := r.reachable(); len(all) > 0 {
		r.s.refresh(all...)
	}
}

func (r *sentinels) downAfter() time.Duration {
	var longest time.Duration
	for _, c := range r.bySentinel {
		longest = max(longest, c.report.DownAfter)
	}
	return longest
}

// names reports whether a majority of the Sentinels names the node and none of those calls it down; if too few answer,
// whether none of them contradicts.
func (r *sentinels) names(e *entry) bool {
	good, heard := 0, 0
	for _, c := range r.bySentinel {
		if c.lost {
			continue
		}
		heard++
		if r.s.nodes.announced(c.report.Primary) == e && c.report.Down&topology.ODown == 0 {
			good++
		}
	}
	return r.most(good) || !r.most(heard) && good == heard
}

func (r *sentinels) against() string { return "most Sentinels report it as down or disconnected" }

// compare raises an alarm when Sentinels name different primaries under one epoch: no failover does that.
func (r *sentinels) compare() {
	byEpoch := map[uint64]string{}
	why := ""
	for _, c := range r.claims() {
		other, ok := byEpoch[c.report.ConfigEpoch]
		if ok && other != c.report.Primary && !r.s.nodes.announced(other).isAlso(r.s.nodes.announced(c.report.Primary)) {
			why = fmt.Sprintf("Sentinels name both %s and %s as primary of epoch %d", other, c.report.Primary,
				c.report.ConfigEpoch)
			break
		}
		byEpoch[c.report.ConfigEpoch] = c.report.Primary
	}
	r.s.alarm("sentinels", why)
}

func (r *sentinels) heard() bool {
	for _, name := range r.s.settings.Sentinels {
		if r.bySentinel[name] == nil {
			return false
		}
	}
	twins := 0
	for _, c := range r.bySentinel {
		if c.twin {
			twins++
		}
	}
	return len(r.bySentinel)-twins >= r.all() // the discovered ones are being asked
}

func (r *sentinels) draft() []draft {
	if r.believed == nil {
		return nil
	}
	d := draft{name: r.s.settings.Shard, epoch: r.shown(), primary: r.believed, suspect: r.suspect(), held: r.held(),
		why: r.why, provisional: r.trial != nil, fence: r.minority.fence}
	if r.attempt != nil {
		d.candidate = r.attempt.candidate
	}
	troubled := d.suspect != "" || d.held != ""
	good, bad := map[*entry]int{}, map[*entry]int{}
	promotable := map[*entry]bool{}
	voices := r.claims()
	if len(voices) == 0 {
		voices = r.last()
	}
	for _, c := range voices {
		if p := r.s.nodes.announced(c.report.Primary); p != r.believed {
			bad[p]++
		}
		for _, v := range c.report.Replicas {
			e := r.s.nodes.announced(v.Addr)
			promotable[e] = promotable[e] || v.Priority != 0
			down := v.Down
			if troubled { // a leader closes all other connections when it has changed a replica's primary
				down &^= topology.Disconnected
			}
			if down != 0 || !v.LinkUp && !troubled || (v.Priority == 0 && !r.s.named[e.addr]) {
				bad[e]++
			} else {
				good[e]++
			}
		}
	}
	for _, e := range r.s.nodes.byID {
		switch {
		case e == r.believed || good[e]+bad[e] == 0:
		case good[e] > bad[e]:
			d.replicas = append(d.replicas, e)
		default:
			d.others = append(d.others, e)
		}
		if may, listed := promotable[e]; listed && !may {
			d.never = append(d.never, e)
		}
	}
	return []draft{d}
}

// suspect returns the evidence against the believed primary, while it is not held: our probe, or the Sentinels' flags.
func (r *sentinels) suspect() string {
	if r.believed.lost() {
		return r.believed.lostWhy
	}
	sdown, quorum := 0, 1
	for _, c := range r.claims() {
		if r.s.nodes.announced(c.report.Primary) != r.believed {
			continue
		}
		if c.report.Down&topology.ODown != 0 && !r.suspected(c.report.Sentinel) {
			return "o_down"
		}
		if c.report.Down&topology.SDown != 0 {
			sdown++
		}
		quorum = max(quorum, c.report.Quorum)
	}
	if sdown >= quorum {
		return "s_down"
	}
	return ""
}

package topology

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// overruleAfter is how long a majority must name another primary than the one believed, under an epoch that is not
// higher, before it is followed; see sentinels.overrule.
const overruleAfter = 3 * time.Second

// sentinels is the rule of a service that Sentinels watch.
//
// Believed is the address with the highest config epoch that any Sentinel named and that itself said it is primary.
// A lower epoch never replaces it while a single Sentinel stands by it, so one that lags, or tells a story from
// before, moves nothing. Flags of Sentinels make a shard Suspect but move nothing either: only a proven successor
// does.
type sentinels struct {
	s    *State
	told map[string]*claim
	// believed is the proven primary, epoch its config epoch; nil before the first proof.
	believed *entry
	epoch    uint64
	// overruledAt is when a majority began to name another primary under a lower epoch; zero while none does.
	overruledAt time.Time
}

// claim is what one Sentinel told last.
type claim struct {
	says SentinelSays
	// since is when it began to name this primary with this epoch: a proof must be younger.
	since time.Time
	lost  bool
}

func newSentinels(s *State) *sentinels {
	return &sentinels{s: s, told: map[string]*claim{}}
}

func (r *sentinels) observe(o Observation) {
	switch o := o.(type) {
	case SentinelSays:
		r.says(o)
	case SentinelLost:
		r.lost(o)
	case SentinelMessage:
		r.message(o)
	case Report:
		if o.Kind == Refused {
			r.s.refresh(r.reachable()...)
		}
	}
	r.believe()
	r.overrule()
	r.compare()
}

func (r *sentinels) says(o SentinelSays) {
	c := r.told[o.Sentinel]
	if c == nil || c.lost {
		r.s.event(Event{Kind: SentinelHeard, Subject: o.Sentinel})
	}
	if c == nil {
		c = &claim{since: r.s.now}
		r.told[o.Sentinel] = c
	} else if c.lost || c.says.Primary != o.Primary || c.says.ConfigEpoch != o.ConfigEpoch {
		c.since = r.s.now
	}
	if c.since.Equal(r.s.now) && o.ConfigEpoch > r.epoch {
		// An answer that is under way was asked for before this was told: it proves nothing.
		r.s.nodes.announced(o.Primary).probedAt = time.Time{}
	}
	c.says, c.lost = o, false
}

func (r *sentinels) lost(o SentinelLost) {
	c := r.told[o.Sentinel]
	if c == nil {
		c = &claim{}
		r.told[o.Sentinel] = c
	} else if c.lost {
		return
	}
	c.lost = true
	r.s.event(Event{Kind: SentinelGone, Subject: o.Sentinel, Why: o.Why})
}

// message asks the Sentinel that spoke for its whole picture. Messages come in bursts; the picture asked for after
// the first one may be older than the last one, so every message counts, and only the followers coalesce.
func (r *sentinels) message(o SentinelMessage) {
	r.s.refresh(o.Sentinel)
	if o.Channel != "+switch-master" {
		return
	}
	// name oldip oldport newip newport: the proof can be under way before the picture arrives.
	if f := strings.Fields(o.Payload); len(f) == 5 {
		r.s.probe(r.s.nodes.announced(f[3]+":"+f[4]), 0)
	}
}

// reachable are the Sentinels that answer, in a stable order.
func (r *sentinels) reachable() []string {
	var names []string
	for name, c := range r.told {
		if !c.lost {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// last is what Sentinels told before they were lost: who the replicas are is still true when nobody is there to say
// so, and what they are worth our own probes tell.
func (r *sentinels) last() []*claim {
	var all []*claim
	for _, c := range r.told {
		if c.says.Primary != "" {
			all = append(all, c)
		}
	}
	return all
}

// claims are what reachable Sentinels say, the highest epoch first, then what more of them say, then by address.
func (r *sentinels) claims() []*claim {
	votes := map[string]int{}
	var all []*claim
	for _, name := range r.reachable() {
		c := r.told[name]
		all = append(all, c)
		votes[c.says.Primary]++
	}
	slices.SortStableFunc(all, func(a, b *claim) int {
		return cmp.Or(cmp.Compare(b.says.ConfigEpoch, a.says.ConfigEpoch),
			cmp.Compare(votes[b.says.Primary], votes[a.says.Primary]),
			cmp.Compare(a.says.Primary, b.says.Primary))
	})
	return all
}

// believe follows the highest claim that is proven.
func (r *sentinels) believe() {
	for _, c := range r.claims() {
		if r.believed != nil && c.says.ConfigEpoch <= r.epoch {
			return
		}
		e := r.s.nodes.announced(c.says.Primary)
		if e != r.believed && !r.proven(e, c.since) {
			r.s.probe(e, chaseEvery)
			continue
		}
		r.believed, r.epoch = e, c.says.ConfigEpoch
		r.overruledAt = time.Time{}
		r.s.stale = true
		return
	}
}

// proven says that the node called itself primary after the claim was made. A node that may not be asked is taken at
// the Sentinel's word.
func (r *sentinels) proven(e *entry, since time.Time) bool {
	if !e.alive() || e.roleAt.Before(since) {
		return false
	}
	return e.role.Role == RolePrimary || e.role.Role == RoleRefused
}

// overrule gives a belief up that nobody shares any more: no reachable Sentinel names it, a majority of all names one
// other node, which says primary, while the believed one is gone or says replica, and all this has lasted for
// overruleAfter. So ends an epoch whose leader died before it could tell the others, and so begins a set of Sentinels
// that was set up anew and counts from 0 again.
func (r *sentinels) overrule() {
	other, epoch := r.majority()
	if r.believed == nil || other == nil || other == r.believed || r.believed.alive() &&
		r.believed.role.Role != RoleReplica || !other.alive() || other.role.Role == RoleReplica {
		r.overruledAt = time.Time{}
		return
	}
	if r.overruledAt.IsZero() {
		r.overruledAt = r.s.now
	}
	if r.s.now.Sub(r.overruledAt) < overruleAfter {
		return
	}
	r.s.event(Event{Kind: Alarm, Subject: "sentinels", Why: fmt.Sprintf(
		"a majority of Sentinels went back from %s (epoch %d) to %s (epoch %d)", r.believed.addr, r.epoch, other.addr,
		epoch)})
	r.believed, r.epoch, r.overruledAt = other, epoch, time.Time{}
	r.s.stale = true
}

// majority is the node that more than half of all Sentinels name, while no reachable one names the believed.
func (r *sentinels) majority() (*entry, uint64) {
	all := 0
	votes := map[*entry]int{}
	epochs := map[*entry]uint64{}
	for _, c := range r.claims() {
		all = max(all, c.says.Sentinels)
		e := r.s.nodes.announced(c.says.Primary)
		if e == r.believed {
			return nil, 0
		}
		votes[e]++
		epochs[e] = max(epochs[e], c.says.ConfigEpoch)
	}
	for e, n := range votes {
		if 2*n > all {
			r.s.probe(e, probeEvery)
			return e, epochs[e]
		}
	}
	return nil, 0
}

// compare raises an alarm when Sentinels name different primaries under one epoch: no failover does that.
func (r *sentinels) compare() {
	byEpoch := map[uint64]string{}
	why := ""
	for _, c := range r.claims() {
		other, ok := byEpoch[c.says.ConfigEpoch]
		if ok && other != c.says.Primary {
			why = fmt.Sprintf("Sentinels name both %s and %s as primary of epoch %d", other, c.says.Primary,
				c.says.ConfigEpoch)
			break
		}
		byEpoch[c.says.ConfigEpoch] = c.says.Primary
	}
	r.s.alarm("sentinels", why)
}

func (r *sentinels) heard() bool {
	for _, name := range r.s.settings.Sentinels {
		if r.told[name] == nil {
			return false
		}
	}
	return true
}

func (r *sentinels) draft() []draft {
	if r.believed == nil {
		return nil
	}
	d := draft{name: r.s.settings.Shard, epoch: r.epoch, primary: r.believed, suspect: r.suspect()}
	good, bad := map[*entry]int{}, map[*entry]int{}
	voices := r.claims()
	if len(voices) == 0 {
		voices = r.last()
	}
	for _, c := range voices {
		if p := r.s.nodes.announced(c.says.Primary); p != r.believed {
			bad[p]++
		}
		for _, v := range c.says.Replicas {
			e := r.s.nodes.announced(v.Addr)
			if v.Down != 0 || !v.LinkUp || (v.Priority == 0 && !r.s.named[e.addr]) {
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
	}
	return []draft{d}
}

// suspect says what speaks against the believed primary: its own word, our probe, or the Sentinels' flags.
func (r *sentinels) suspect() string {
	if r.believed.lost() {
		return r.believed.lostWhy
	}
	if r.believed.says(RoleReplica) {
		return "says replica"
	}
	sdown, quorum := 0, 1
	for _, c := range r.claims() {
		if r.s.nodes.announced(c.says.Primary) != r.believed {
			continue
		}
		if c.says.Down&ODown != 0 {
			return "o_down"
		}
		if c.says.Down&SDown != 0 {
			sdown++
		}
		quorum = max(quorum, c.says.Quorum)
	}
	if sdown >= quorum {
		return "s_down"
	}
	return ""
}

package decide

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"evergate/topology"
)

// Which primary to believe in: proofs, majorities, and primaries without confirmation.

const (
	// overruleAfter is how long a majority must name another primary than the one believed, under an epoch that is
	// not higher, before it is followed; see sentinels.overrule.
	overruleAfter = 3 * time.Second
	// confirmFor is how long a new primary may go without a majority that names it: followers learn of a failover
	// by the hello messages, which come every two seconds.
	confirmFor = 3 * time.Second
	// startFor is how long Sentinels that were discovered at the start have to answer before that is reported.
	startFor = time.Second
	// startAlarm is the alarm about a start without a majority.
	startAlarm = "start"
)

// trial is the time in which a new primary is believed by its own proof only.
type trial struct {
	since time.Time
	// by is the Sentinel that named it.
	by string
	// old is the primary before it.
	old *entry
	// epoch is the one that it was named under; if it was named before there was one, the highest reported. One that is
	// not higher replaces it only when the trial has failed.
	epoch uint64
	// first: no primary was believed before.
	first bool
	// failedAt is when it was held again because no majority had named it; zero before.
	failedAt time.Time
}

// begin finds the first primary: the node that a majority names or, if a Sentinel names another under a higher epoch,
// that one if it continues the history of the first. If no majority names any node, it is the one with the highest
// epoch, on trial.
func (r *sentinels) begin() {
	var first, chosen *claim
	agreed := false
	for _, c := range r.claims() {
		e := r.s.nodes.announced(c.report.Primary)
		agreed = agreed || r.most(r.votes(e))
		for _, v := range c.report.Replicas {
			r.s.probe(r.s.nodes.announced(v.Addr), probeEvery)
		}
		if !r.proven(e, c.since) {
			r.s.probe(e, chaseEvery)
			continue
		}
		if first == nil {
			first = c
		}
		if chosen == nil && r.most(r.votes(e)) {
			chosen = c
		}
	}
	if first == nil || agreed && chosen == nil {
		return
	}
	if r.s.startedAt.IsZero() {
		r.s.startedAt = r.s.now
	}
	if r.s.now.Sub(r.s.startedAt) < settleFor && !r.heard() {
		return
	}
	majority := r.s.settings.ConfirmMajority
	e := r.s.nodes.announced(first.report.Primary)
	if chosen != nil && (majority || !e.descends(r.s.nodes.announced(chosen.report.Primary).role.ReplID)) {
		e, first = r.s.nodes.announced(chosen.report.Primary), chosen
	}
	if majority && !r.mayBegin(e, first.report.ConfigEpoch) {
		return
	}
	r.believed, r.epoch, r.s.stale = e, first.report.ConfigEpoch, true
	if r.fenced != e {
		r.minority = minority{}
	}
	if !r.most(r.votes(e)) {
		r.trial = &trial{since: r.s.now, by: first.report.Sentinel, old: e, epoch: r.epoch, first: true}
	}
}

// warn reports a start that rests on a minority, after the others had the time to answer.
func (r *sentinels) warn(t *trial, votes int) {
	if t.first && r.onTrial() && r.minority.fence == "" && !r.most(votes) && r.s.now.Sub(t.since) >= startFor {
		r.s.alarm(startAlarm, fmt.Sprintf("%s is used, but only %d of %d Sentinels name it, no majority: it may be an "+
			"old primary", r.believed.addr, votes, r.all()))
	}
}

// mayBegin reports, if a majority must confirm, whether it does: and that no Sentinel knows of a later failover, which
// the others may be about to learn of.
func (r *sentinels) mayBegin(e *entry, epoch uint64) bool {
	why := ""
	if votes := r.votes(e); !r.most(votes) {
		why = fmt.Sprintf("%s is not used: %d of %d Sentinels name it, which is no majority", e.addr, votes, r.all())
	}
	if why == "" || r.s.now.Sub(r.s.startedAt) >= startFor {
		r.s.alarm(startAlarm, why)
	}
	highest := r.claims()[0]
	return why == "" && (highest.report.ConfigEpoch == epoch || r.s.now.Sub(r.s.startedAt) >= confirmFor)
}

// believe follows the highest claim that is proven, and raises the epoch of the believed one with its majority.
func (r *sentinels) believe() {
	r.rename()
	r.raise()
	for _, c := range r.claims() {
		if c.report.ConfigEpoch <= r.epoch || r.onTrial() && c.report.ConfigEpoch <= r.trial.epoch {
			return
		}
		e := r.s.nodes.announced(c.report.Primary)
		if e == r.believed {
			continue
		}
		if !r.proven(e, c.since) {
			r.s.probe(e, chaseEvery)
			r.s.chase(e)
			continue
		}
		votes := r.votes(e)
		// That an old primary has its own history does not prove that it was promoted again.
		goesOn := r.descends(e) && (r.trial == nil || e != r.trial.old)
		switch {
		case r.most(votes):
			if !goesOn {
				r.s.event(Event{Kind: Alarm, Subject: e.addr, Why: fmt.Sprintf("%d of %d Sentinels name %s: it is "+
					"followed, but its history is not proven to continue that of %s", votes, r.all(), e.addr,
					r.believed.addr)})
			}
			if c.report.ConfigEpoch < r.shown() {
				r.wentBack(e, c.report.ConfigEpoch, "a majority of Sentinels")
			}
			r.adopt(e, c.report.ConfigEpoch, fmt.Sprintf("%d of %d Sentinels name %s", votes, r.all(), e.addr), nil)
			return
		case goesOn && e.reports(topology.RolePrimary) && !r.s.settings.ConfirmMajority:
			r.adopt(e, r.epoch, c.report.Sentinel+" names "+e.addr,
				&trial{since: r.s.now, by: c.report.Sentinel, epoch: c.report.ConfigEpoch})
			return
		}
		if goesOn {
			continue
		}
		r.s.alarm("claim of "+c.report.Sentinel, fmt.Sprintf("%s names %s for epoch %d: it is not used before a majority "+
			"or the history of %s confirms it", c.report.Sentinel, e.addr, c.report.ConfigEpoch, r.believed.addr))
	}
}

// rename follows a majority that names another address of the believed node.
func (r *sentinels) rename() {
	if other, _ := r.majority(); other != nil && other.renames(r.believed) && r.trial == nil && r.attempt == nil {
		r.believed, r.why, r.s.stale = other, "a majority of Sentinels names it", true
	}
}

// raise takes the epoch under which a majority names the believed node.
func (r *sentinels) raise() {
	var epochs []uint64
	for _, c := range r.bySentinel {
		if !c.lost && r.s.nodes.announced(c.report.Primary) == r.believed {
			epochs = append(epochs, c.report.ConfigEpoch)
		}
	}
	most := r.all()/2 + 1
	if len(epochs) < most {
		return
	}
	slices.SortFunc(epochs, func(a, b uint64) int { return cmp.Compare(b, a) })
	if epoch := epochs[most-1]; epoch > r.epoch {
		r.epoch, r.s.stale = epoch, true
	}
}

// proven reports whether the node called itself primary after the claim was made. A node that may not be asked is
// accepted by a majority.
func (r *sentinels) proven(e *entry, since time.Time) bool {
	return e.alive() && !e.askedAt.Before(since) &&
		(e.role.Role == topology.RolePrimary || e.role.Role == topology.RoleRefused)
}

// descends reports whether a node continues the history of the believed primary or, if that one is unconfirmed, of the
// one before it.
func (r *sentinels) descends(e *entry) bool {
	if e.descends(r.believed.trusted.replID) {
		return true
	}
	return r.trial != nil && !r.onTrial() && e.descends(r.trial.old.trusted.replID)
}

// onTrial reports whether the believed primary is provisional and not held for it.
func (r *sentinels) onTrial() bool { return r.trial != nil && r.trial.failedAt.IsZero() }

// shown returns the config epoch for the View.
func (r *sentinels) shown() uint64 {
	if r.trial != nil {
		return max(r.epoch, r.trial.epoch)
	}
	return r.epoch
}

// wentBack reports that an older epoch, or the same, is followed after all.
func (r *sentinels) wentBack(e *entry, epoch uint64, why string) {
	r.s.event(Event{Kind: Alarm, Subject: "sentinels", Why: fmt.Sprintf("%s went back from %s (epoch %d) to %s (epoch %d)",
		why, r.believed.addr, r.shown(), e.addr, epoch)})
}

// adopt changes the believed primary; t is set if only its own proof supports it.
func (r *sentinels) adopt(e *entry, epoch uint64, why string, t *trial) {
	if t != nil {
		t.old, t.epoch = r.believed, max(t.epoch, r.shown())
	}
	r.believed, r.epoch, r.why, r.trial = e, epoch, why, t
	r.attempt, r.overruledAt, r.demotedAt = nil, time.Time{}, time.Time{}
	r.adoptedAt, r.minority = r.s.now, minority{}
	r.s.stale = true
	r.forgetAlarms()
}

// forgetAlarms makes alarms of a failover be reported again in the next one.
func (r *sentinels) forgetAlarms() {
	for key := range r.s.alarms {
		switch kind, _, _ := strings.Cut(key, " "); kind {
		case startAlarm, "candidate", "claim", "trial":
			delete(r.s.alarms, key)
		}
	}
}

// confirm ends a trial: a majority names the node, or too few Sentinels answer to contradict, or it is held again.
func (r *sentinels) confirm() {
	t := r.trial
	if t == nil {
		return
	}
	r.askAll()
	votes, heard := r.votes(r.believed), len(r.reachable())
	r.warn(t, votes)
	switch {
	case r.most(votes):
		r.raise()
		if r.epoch < t.epoch {
			r.wentBack(r.believed, r.epoch, "a majority of Sentinels")
		}
		r.trial, r.s.stale = nil, true
		if r.s.alarms[startAlarm] != "" {
			r.s.alarm(startAlarm, "")
			r.s.event(Event{Kind: Confirmed, Shard: r.s.settings.Shard, To: r.believed.addr, ToEpoch: r.epoch})
		}
	case !r.onTrial() || r.s.now.Sub(t.since) < confirmFor && !r.forsaken(votes):
	case !r.most(heard) && (votes > 0 || heard == 0):
		if r.s.alarms[startAlarm] != "" { // it has been reported
			return
		}
		r.s.alarm("trial of "+r.believed.addr, fmt.Sprintf("%s is primary by its own report and history; %d of %d Sentinels "+
			"answer, which is no majority", r.believed.addr, heard, r.all()))
	default:
		t.failedAt, r.s.stale = r.s.now, true
		r.s.event(Event{Kind: Alarm, Subject: r.believed.addr, Why: fmt.Sprintf(
			"%d of %d Sentinels name %s after %v: it is held until a majority has decided", votes, r.all(),
			r.believed.addr, r.s.now.Sub(t.since).Round(time.Millisecond))})
	}
}

// forsaken reports whether a trial need not last: no Sentinel names the node any more, it reports another role, or the
// Sentinel that named it is gone, perhaps before it could inform the others.
func (r *sentinels) forsaken(votes int) bool {
	by := r.bySentinel[r.trial.by]
	return votes == 0 && (r.believed.reports(topology.RoleReplica) || by != nil && by.lost && len(r.reachable()) > 0)
}

// watchDemotion handles a primary that was made a replica without the Sentinels' knowledge (FAILOVER, REPLICAOF): it
// adopts the node that the former primary names, if that one reports to be primary and continues its history.
func (r *sentinels) watchDemotion() {
	old := r.believed
	if !old.reports(topology.RoleReplica) {
		r.demotedAt = time.Time{}
		return
	}
	if r.demotedAt.IsZero() {
		r.demotedAt, r.s.stale = r.s.now, true
	}
	r.s.chase(old)
	if old.role.Primary == "" || old.role.Primary == topology.JoinAddr("", "") {
		return
	}
	next := r.s.nodes.announced(old.role.Primary)
	if next == old {
		return
	}
	r.s.chase(next)
	if !next.proves(r.demotedAt) || !r.descends(next) {
		return
	}
	switch {
	case r.shown() > r.epoch:
		r.wentBack(next, r.epoch, "the provisional primary itself")
	case r.votes(next) == 0:
		r.s.event(Event{Kind: Alarm, Subject: next.addr, Why: fmt.Sprintf("%s was made a replica of %s without the "+
			"Sentinels: %s is used", old.addr, next.addr, next.addr)})
	}
	r.adopt(next, r.epoch, old.addr+" follows "+next.addr, nil)
}

// overrule drops a belief without support: no reachable Sentinel names it, a majority of all names one other node,
// which reports to be primary, while the believed one is gone or a replica, and all this has lasted for overruleAfter.
// That ends an epoch whose leader died before it could inform the others, and starts a rebuilt set of Sentinels that
// counts from 0 again. A failed trial ends at once.
func (r *sentinels) overrule() {
	// While the shard is held, the others have the time to learn of the failover.
	failed := r.trial != nil && !r.onTrial() &&
		(r.s.now.Sub(r.trial.since) >= confirmFor || r.believed.reports(topology.RoleReplica))
	other, epoch := r.majority()
	gone := !r.believed.alive() || r.believed.reports(topology.RoleReplica)
	switch {
	case other == nil || other == r.believed || !failed && (!gone || r.votes(r.believed) > 0):
		r.overruledAt = time.Time{}
		return
	case failed && !other.proves(r.trial.failedAt) && !other.reports(topology.RoleRefused):
		r.s.chase(other)
		return
	case !other.alive() || other.role.Role == topology.RoleReplica:
		r.overruledAt = time.Time{}
		return
	}
	if r.overruledAt.IsZero() {
		r.overruledAt = r.s.now
	}
	if !failed && r.s.now.Sub(r.overruledAt) < overruleAfter {
		return
	}
	r.wentBack(other, epoch, "a majority of Sentinels")
	r.adopt(other, epoch, "a majority of Sentinels names "+other.addr, nil)
}

// majority returns the node that more than half of all Sentinels name, with the highest epoch that they report.
func (r *sentinels) majority() (*entry, uint64) {
	epochs := map[*entry]uint64{}
	for _, c := range r.claims() {
		e := r.s.nodes.announced(c.report.Primary)
		epochs[e] = max(epochs[e], c.report.ConfigEpoch)
	}
	for e, epoch := range epochs {
		if r.most(r.votes(e)) {
			if e != r.believed {
				r.s.probe(e, probeEvery)
			}
			return e, epoch
		}
	}
	return nil, 0
}

// held returns why the believed primary may not be used; empty if it may.
func (r *sentinels) held() string {
	switch {
	case r.trial != nil && !r.onTrial():
		return "no majority confirmed it"
	case r.attempt != nil:
		return r.attempt.why
	case r.believed.reports(topology.RoleReplica):
		return "reports to be a replica"
	}
	return r.minority.fence
}

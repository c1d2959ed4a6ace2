package decide

import (
	"fmt"
	"strings"
	"time"

	"evergate/topology"
)

// The messages of Sentinels during a failover: the candidate that they lead to is adopted here, and how long a single
// Sentinel can hold a shard is decided here.

const (
	// quietFor is how long a Sentinel may be in the middle of a failover without a step, while the primary answers and
	// the others stand by it.
	quietFor = 3 * time.Second
	// holdMax is how long Sentinels may call a primary down, or be about to replace it, that answers all our probes.
	holdMax = 15 * time.Second
	// suspicionFor is how long a Sentinel cannot hold the shard after its claim came to nothing, abortedFor if the
	// Sentinel itself gave up; it doubles each time, up to suspicionMax.
	suspicionFor = 30 * time.Second
	abortedFor   = 500 * time.Millisecond
	suspicionMax = 10 * time.Minute
)

// attempt is a failover that Sentinels seem to be making.
type attempt struct {
	// by is the first Sentinel that reported it, why its message.
	by, why string
	since   time.Time
	// stepAt is the time of the last reported step.
	stepAt time.Time
	// candidate is the node named as the new primary, and named the Sentinel that named it; nil and empty before that.
	candidate *entry
	named     string
}

// suspicion is the memory of an attempt that came to nothing.
type suspicion struct {
	until time.Time
	times int
}

// steps are the messages that belong to a failover; candidates those of them that name the node to be promoted.
var (
	steps = map[string]bool{"+odown": true, "+try-failover": true, "+elected-leader": true,
		"+failover-state-select-slave": true, "+selected-slave": true, "+failover-state-send-slaveof-noone": true,
		"+failover-state-wait-promotion": true, "+promoted-slave": true}
	candidates = map[string]bool{"+selected-slave": true, "+failover-state-send-slaveof-noone": true,
		"+failover-state-wait-promotion": true, "+promoted-slave": true}
)

// about parses the payload of a message: "<type> <name> <ip> <port>", followed by " @ <master> <ip> <port>" if it is
// not the master itself. Both are announced addresses; empty if the payload is none, or is about a Sentinel.
func about(payload string) (instance, primary string) {
	f := strings.Fields(payload)
	if len(f) < 4 || f[0] != "master" && f[0] != "slave" {
		return "", ""
	}
	instance = topology.JoinAddr(f[2], f[3])
	if len(f) >= 8 && f[4] == "@" {
		return instance, topology.JoinAddr(f[6], f[7])
	}
	return instance, instance
}

// message asks the sender for its whole state. Messages come in bursts; the state asked for after the first one may be
// older than the last one, so every message counts, and only the followers coalesce.
func (r *sentinels) message(o topology.SentinelMessage) {
	r.s.refresh(o.Sentinel)
	instance, primary := about(o.Payload)
	switch {
	case o.Channel == "+switch-master":
		// name oldip oldport newip newport: the proof can be under way before the Sentinel's state arrives.
		if f := strings.Fields(o.Payload); len(f) == 5 {
			r.s.probe(r.s.nodes.announced(topology.JoinAddr(f[3], f[4])), 0)
		}
	case instance == "" || r.believed == nil:
	case steps[o.Channel]:
		r.suspectFailover(o.Sentinel, strings.TrimPrefix(o.Channel, "+"), primary)
		if a := r.attempt; a != nil {
			a.stepAt = r.s.now
			if candidates[o.Channel] && instance != primary {
				a.candidate, a.named = r.s.nodes.announced(instance), o.Sentinel
			}
		}
	default: // +sdown, +role-change, +reboot: worth a probe
		r.s.probe(r.s.nodes.announced(instance), 0)
	}
}

// suspectFailover holds the shard because a Sentinel reported a failover of the node at primary.
func (r *sentinels) suspectFailover(sentinel, why, primary string) {
	if r.believed == nil || r.attempt != nil || !r.concerned(sentinel, primary) {
		return
	}
	if r.suspected(sentinel) && !r.seconded(sentinel) {
		return
	}
	r.attempt = &attempt{by: sentinel, why: sentinel + ": " + why, since: r.s.now, stepAt: r.s.now}
	r.s.stale = true
}

// concerned reports whether a Sentinel's message about a primary is about the believed one: it is that node, or the one
// that all Sentinels still name in its place because they do not know of a manual switch.
func (r *sentinels) concerned(sentinel, primary string) bool {
	e := r.s.nodes.announced(primary)
	if e == r.believed {
		return true
	}
	c := r.bySentinel[sentinel]
	return r.trial == nil && r.votes(r.believed) == 0 && e.reports(topology.RoleReplica) && c != nil &&
		c.report.ConfigEpoch >= r.epoch && r.s.nodes.announced(c.report.Primary) == e
}

func (r *sentinels) suspected(sentinel string) bool {
	return r.all() > 1 && r.s.now.Before(r.suspicions[sentinel].until)
}

// suspicion records that a Sentinel's claim came to nothing; gravely if it insists against the others.
func (r *sentinels) suspicion(sentinel string, gravely bool) {
	d := r.suspicions[sentinel]
	if r.s.now.Sub(d.until) > suspicionMax {
		d.times = 0
	}
	first := abortedFor
	if gravely {
		first = suspicionFor
	}
	d.until, d.times = r.s.now.Add(min(first<<min(d.times, 12), suspicionMax)), d.times+1
	r.suspicions[sentinel] = d
}

// seconded reports whether another Sentinel, which is not suspected, calls the primary down or replaces it too.
func (r *sentinels) seconded(sentinel string) bool {
	for name, c := range r.bySentinel {
		if name != sentinel && !c.lost && !r.suspected(name) &&
			(c.report.Down&(topology.SDown|topology.ODown) != 0 || c.report.FailingOver) {
			return true
		}
	}
	return false
}

// watchAttempt follows the candidate as soon as it has proven its role, and gives up an attempt that came to nothing.
func (r *sentinels) watchAttempt() {
	a := r.attempt
	if a == nil {
		return
	}
	r.askAll()
	if c := a.candidate; c != nil && c != r.believed && !r.s.settings.ConfirmMajority {
		r.s.chase(c)
		if c.proves(a.since) {
			if r.descends(c) {
				r.adopt(c, r.epoch, a.named+" names "+c.addr, &trial{since: r.s.now, by: a.named, epoch: r.highest()})
				return
			}
			r.s.alarm("candidate "+c.addr, fmt.Sprintf("%s, named by %s, reports the role primary but does not continue the "+
				"history of %s: it is not used without a majority", c.addr, a.named, r.believed.addr))
		}
	}
	if why, over := r.over(a); over {
		r.attempt, r.s.stale = nil, true
		r.forgetAlarms()
		r.suspicion(a.by, why != "")
		if why != "" {
			r.s.event(Event{Kind: Alarm, Subject: a.by, Why: why})
		}
	}
}

// highest returns the highest config epoch that any Sentinel reports.
func (r *sentinels) highest() uint64 {
	epoch := r.epoch
	for _, c := range r.bySentinel {
		epoch = max(epoch, c.report.ConfigEpoch)
	}
	return epoch
}

// over reports whether an attempt came to nothing: the primary answers as such, and the majority stands by it. The
// reason is set if the Sentinel that began it disagrees.
func (r *sentinels) over(a *attempt) (why string, over bool) {
	if !r.proven(r.believed, a.since) {
		return "", false
	}
	stand, clean, heard, others := 0, false, 0, 0
	for name, c := range r.bySentinel {
		if c.lost || c.report.Asked.Before(a.since) {
			continue
		}
		heard++
		switch {
		case r.s.nodes.announced(c.report.Primary) != r.believed:
			others++
		case c.report.Down&topology.ODown == 0 && !c.report.FailingOver:
			stand++
			clean = clean || name == a.by
		}
	}
	lasted := r.s.now.Sub(a.since)
	switch {
	case lasted >= holdMax && others == 0:
		return fmt.Sprintf("%s for %v, but %s answers as primary and was not replaced: it is used again", a.why, lasted,
			r.believed.addr), true
	case heard == 0 && lasted >= quietFor:
		return "", true
	case !r.most(stand) && (r.most(len(r.reachable())) || stand < heard || heard == 0):
		return "", false
	case clean:
		return "", true
	case r.s.now.Sub(a.stepAt) >= quietFor:
		return fmt.Sprintf("%s, but no failover followed and the others stand by %s", a.why, r.believed.addr), true
	}
	return "", false
}

package decide

import (
	"fmt"
	"time"

	"evergate/topology"
)

// A primary that comes back without its history gets no writes: it would wipe the replicas that still have it. The
// shard is held until the node has its history again, until another is promoted, or until the Sentinels or nodes in
// charge stand by the node though they had the time to replace it.

// fenceFor is how long after the servers' own down-after they may take to promote another.
const fenceFor = 3 * time.Second

// fence is set on a primary that came back with another history.
type fence struct {
	since time.Time
	why   string
}

// trust compares the history of a standing primary with its trusted one, and fences it if it does not continue that.
// State calls it with each answer of such a node.
func (s *State) trust(e *entry) {
	if !e.reports(topology.RolePrimary) || e.role.ReplID == "" {
		return
	}
	now, was := history{e.role.RunID, e.role.ReplID}, e.trusted
	switch {
	case was.replID == "" || was == now:
	case now.runID == was.runID && (e.role.ReplID2 == "" || e.descends(was.replID)):
		// The same run: a server changes its replication ID by itself when its first replica connects, or its last one
		// leaves.
	case now.replID == was.replID:
	case e.descends(was.replID):
		s.restarted(e, "")
	default:
		if e.fence == nil {
			e.fence = &fence{since: s.now, why: "restarted without its history"}
			if now.runID == was.runID {
				e.fence.why = "has another history than before"
			}
			s.stale = true
			s.event(Event{Kind: Alarm, Subject: e.addr, Why: fmt.Sprintf("primary %s %s: it gets no writes", e.addr,
				e.fence.why)})
		}
		return
	}
	if e.fence != nil {
		e.fence, s.stale = nil, true
	}
	e.trusted = now
	s.eraOf(e).note(&e.role)
}

// restarted begins a new era of a primary that keeps its role, with a receipt for the previous one. why is what the
// proof lacks; empty if it continues its own history.
func (s *State) restarted(e *entry, why string) {
	f := s.failovers[e]
	if f == nil {
		s.failoverCount++
		f = &failover{number: s.failoverCount, began: s.now, shard: s.shardName(e), old: e}
	}
	r := s.receipt(e, e, false, true)
	if why != "" {
		r.Proven, r.Why = false, why
	}
	s.emit(f, Event{Kind: ReceiptGiven, From: e.addr, To: e.addr, Receipt: r})
	s.nextEra(e, e)
}

// shardName is the name of the shard that has a node.
func (s *State) shardName(e *entry) string {
	for i := range s.view.Shards {
		if n := s.view.Shards[i].Standing(); n != nil && n.ID == e.id {
			return s.view.Shards[i].Name
		}
	}
	return ""
}

// fenced returns why the drafted primary, which is in its place, may not be used; empty if it may.
func (s *State) fenced(d *draft) string {
	e := d.primary
	if e.fence == nil {
		return ""
	}
	standsBy := s.rule.names(e) && e.proves(e.fence.since)
	if standsBy && (!s.othersLive(d) || s.now.Sub(e.fence.since) >= s.downAfter()+fenceFor) {
		s.event(Event{Kind: Alarm, Subject: e.addr, Why: fmt.Sprintf(
			"primary %s %s; no other was promoted, so it is used again: its history is not proven", e.addr, e.fence.why)})
		s.restarted(e, "history not proven")
		e.fence, e.trusted, s.stale = nil, history{e.role.RunID, e.role.ReplID}, true
		return ""
	}
	return e.fence.why
}

// othersLive reports whether another node could be promoted.
func (s *State) othersLive(d *draft) bool {
	for _, list := range [][]*entry{d.replicas, d.others} {
		for _, e := range list {
			if e.alive() {
				return true
			}
		}
	}
	return false
}

// downAfter is View.DownAfter as the rule has it now.
func (s *State) downAfter() time.Duration { return s.rule.downAfter() }

package decide

import (
	"fmt"
	"time"

	"evergate/topology"
)

// The failover of one shard. A rule names the primary and whether it may be used (draft); this file publishes that in
// two steps, and emits the events. First comes a View without a primary, which names the demoted one. When every worker
// has stopped using that (Settled), the View with the new one follows: otherwise one worker could acknowledge writes on
// the new primary while another still uses the old one.

// Times of the two steps.
const (
	// barrierFor is the longest wait for workers to stop using the old primary once its successor is proven.
	barrierFor = 1500 * time.Millisecond
	// finalFor is the longest wait, after that, for the final offset of the old primary.
	finalFor = 60 * time.Millisecond
	// silentAfter is how long a probe may wait before the node's last reply is given up.
	silentAfter = 100 * time.Millisecond
)

// failover is the state of one shard from the first evidence against its primary until one is trusted again.
type failover struct {
	number uint64
	began  time.Time
	shard  string
	// old is the primary that is suspected, then demoted.
	old *entry
	// held: it is demoted; heldEpoch is the first View with that, 0 until there is one.
	held      bool
	heldEpoch uint64
	// settledAt is when all workers had stopped using it, final its first answer to a question asked after that.
	settledAt time.Time
	final     *topology.RoleSeen
	// fenced: its fence has been reported.
	fenced bool
	// renamed: it is no failover, the old primary only has another address from now on. Nothing is emitted.
	renamed bool
	// candidate is the last one reported; successor has proven its role, at succeededAt.
	candidate, successor *entry
	succeededAt          time.Time
}

// emit adds a step of the failover to the events.
func (s *State) emit(f *failover, e Event) {
	if f.renamed {
		return
	}
	e.Shard, e.Failover, e.Began, e.After = f.shard, f.number, f.began, s.now.Sub(f.began)
	s.event(e)
}

// turn decides which part of a draft is published, and edits the draft.
func (s *State) turn(d *draft, drafts []draft) {
	standing := s.standing(d, drafts)
	if standing != d.primary && standing.reports(topology.RolePrimary) && d.held == "" && !d.primary.settled() {
		// The new one was never probed: it may be another name of the same server.
		s.probe(d.primary, chaseEvery)
		d.primary = standing
	}
	if standing == d.primary && d.held == "" {
		d.held = s.fenced(d)
	}
	switch {
	case d.held != "":
		d.leave, d.next = standing, nil
		f := s.hold(standing, d, d.held)
		if d.primary != standing {
			s.chase(d.primary)
		}
		if f.successor != nil {
			f.successor, s.stale = nil, true
		}
		s.nameCandidate(f, d)
		if d.fence != "" && !f.fenced {
			s.emit(f, Event{Kind: Fenced, From: standing.addr, Why: d.fence})
		}
		f.fenced = d.fence != ""
	case standing != d.primary:
		s.succeed(d, standing)
	case d.suspect != "":
		f := s.suspect(standing, d, d.suspect)
		switch {
		case f.held && standing.lost(): // only an old answer supports it, and it is unreachable
			d.leave, d.next = standing, nil
		case f.held:
			s.emit(f, Event{Kind: Released, To: standing.addr})
			f.held, f.heldEpoch, f.settledAt, f.final, s.stale = false, 0, time.Time{}, nil, true
		}
	default:
		if f := s.failovers[standing]; f != nil {
			s.emit(f, Event{Kind: Released, To: standing.addr})
			delete(s.failovers, standing)
			s.stale = true
		}
	}
	s.confirmed(d)
}

// standing is the present primary of a draft's shard, or the one being demoted. It is the draft's own if the shard is
// new, if both live on and only slots moved, or if the present one belongs to another deployment.
func (s *State) standing(d *draft, drafts []draft) *entry {
	shard := s.continued(d)
	if shard == nil || shard.Standing() == nil {
		return d.primary
	}
	e := s.nodes.byID[shard.Standing().ID]
	if e == d.primary || s.foreign(d.primary, e) {
		return d.primary
	}
	for i := range drafts {
		// Another draft continues it; or it was divided, and another draft is its successor.
		f := s.failovers[e]
		if drafts[i].primary == e || f != nil && f.successor != d.primary && f.successor == drafts[i].primary {
			return d.primary
		}
	}
	for i := range s.view.Shards {
		if n := s.view.Shards[i].Standing(); n != nil && n.ID == d.primary.id && !s.passing[d.primary] {
			return d.primary
		}
	}
	return e
}

// continued is the shard of the last View that a draft continues: the owner of its lowest slot.
func (s *State) continued(d *draft) *topology.Shard {
	switch {
	case s.view == nil:
		return nil
	case !s.view.Sharded:
		return &s.view.Shards[0]
	case len(d.slots) > 0:
		return s.view.Shard(d.slots[0].First)
	}
	return nil
}

// suspect begins a failover, unless one is under way.
func (s *State) suspect(e *entry, d *draft, why string) *failover {
	f := s.failovers[e]
	if f == nil {
		f = &failover{began: s.now, shard: d.name, old: e, renamed: d.primary.renames(e)}
		if !f.renamed {
			s.failoverCount++
			f.number = s.failoverCount
		}
		s.failovers[e] = f
		s.stale = true
		s.emit(f, Event{Kind: Suspected, From: e.addr, Why: why})
	}
	return f
}

// hold demotes a primary.
func (s *State) hold(e *entry, d *draft, why string) *failover {
	f := s.suspect(e, d, why)
	if !f.held {
		f.held, s.stale = true, true
		s.emit(f, Event{Kind: Held, From: e.addr, Why: why})
	}
	return f
}

func (s *State) nameCandidate(f *failover, d *draft) {
	if d.candidate != nil && f.candidate != d.candidate {
		f.candidate = d.candidate
		s.emit(f, Event{Kind: CandidateNamed, To: d.candidate.addr})
	}
}

// succeed takes a proven successor through the second step.
func (s *State) succeed(d *draft, standing *entry) {
	f := s.hold(standing, d, d.why)
	if f.successor != d.primary {
		f.successor, f.succeededAt, s.stale = d.primary, s.now, true
		s.emit(f, Event{Kind: Promoted, To: d.primary.addr, Why: d.why, ToEpoch: d.epoch})
	}
	if !s.mayRelease(f) {
		d.leave, d.next = standing, d.primary
		return
	}
	covers := f.covers()
	to := d.primary
	if to.covers = nil; covers {
		to.covers = standing.value()
	}
	s.emit(f, Event{Kind: Released, To: to.addr})
	settled := !s.settings.Barrier || !f.settledAt.IsZero()
	s.emit(f, Event{Kind: ReceiptGiven, From: standing.addr, To: to.addr,
		Receipt: s.receipt(standing, to, covers, settled)})
	s.nextEra(standing, to)
	delete(s.failovers, standing)
	if d.provisional {
		s.unconfirmed[to] = f
	}
	s.stale = true
}

// confirmed reports that a primary is provisional no longer.
func (s *State) confirmed(d *draft) {
	if f := s.unconfirmed[d.primary]; f != nil && !d.provisional {
		s.emit(f, Event{Kind: Confirmed, To: d.primary.addr, ToEpoch: d.epoch})
		delete(s.unconfirmed, d.primary)
	}
}

// mayRelease reports whether the workers have stopped using the old primary, and its final answer is known or will not
// come.
func (s *State) mayRelease(f *failover) bool {
	switch {
	case !s.settings.Barrier:
		return true
	case f.heldEpoch == 0:
		return false
	case f.renamed && !f.settledAt.IsZero():
		return true
	case f.settledAt.IsZero():
		if s.now.Sub(f.succeededAt) < barrierFor {
			return false
		}
		s.event(Event{Kind: Alarm, Subject: f.old.addr, Why: fmt.Sprintf(
			"failover %d: not all workers left %s within %v; %s takes over", f.number, f.old.addr, barrierFor,
			f.successor.addr)})
		return true
	}
	return f.final != nil || f.old.lost() || f.old.silent(s.now) || s.now.Sub(f.settledAt) >= finalFor
}

// settled records that all workers have seen a View and stopped using the primaries that it demotes.
func (s *State) settled(epoch uint64) {
	for _, f := range s.failovers {
		if f.heldEpoch != 0 && epoch >= f.heldEpoch && f.settledAt.IsZero() {
			f.settledAt = s.now
			if f.old.alive() {
				s.probe(f.old, 0)
			}
		}
	}
}

// lastWord records the old primary's first answer to a question asked after all workers had stopped using it.
func (f *failover) lastWord(e *entry) {
	if f.final == nil && !f.settledAt.IsZero() && !e.askedAt.Before(f.settledAt) {
		role := e.role
		f.final = &role
	}
}

// covers reports whether the successor has all that the old primary had executed by then.
func (f *failover) covers() bool {
	if f.successor != nil && f.successor.renames(f.old) {
		return true
	}
	if f.final == nil || f.successor == nil || !f.successor.alive() {
		return false
	}
	last, next := f.final, &f.successor.role
	switch {
	case last.Role == topology.RolePrimary && last.Offset >= 0 && last.ReplID != "":
		// A fenced one reports another history than the one that clients were answered from.
		return last.ReplID == f.old.trusted.replID && next.ReplID2 == last.ReplID && next.SecondOffset > last.Offset
	case last.Role == topology.RoleReplica:
		// It was accepted without a full synchronisation: then the fork point includes all it had.
		return last.ReplID != "" && last.ReplID == next.ReplID && last.ReplID2 != "" &&
			last.ReplID2 == f.old.trusted.replID && next.ReplID2 == last.ReplID2 &&
			last.SecondOffset <= next.SecondOffset
	}
	return false
}

package decide

import (
	"slices"
	"time"

	"evergate/topology"
)

// Which replicas may serve reads, and why the others may not.

const (
	// unusedFor is how long a replica that answers must be excluded from reads before that is reported: each has to
	// synchronize first, and a failover excludes all for a moment.
	unusedFor = 10 * time.Second
	// keptFor is how long an address's last answer is remembered after it was last asked.
	keptFor = 10 * time.Second
)

// members lists the nodes of a shard whose primary is of, and separates those that may serve reads.
func (s *State) members(v *topology.View, shard *topology.Shard, of *entry, d *draft) {
	replicas := d.replicas
	if of != d.primary {
		replicas = append(slices.Clone(replicas), d.primary)
	}
	for _, e := range replicas {
		s.list(v, e)
		why := s.unfit(e, of, d)
		switch {
		case e == of || !e.alive() || e.isAlso(of):
		case why == "":
			shard.Replicas = append(shard.Replicas, e.value())
		case shard.Condition == topology.Steady:
			shard.Unused = append(shard.Unused, topology.Unused{Node: e.value(), Why: why})
		}
	}
	for _, e := range d.others {
		s.list(v, e)
		if !e.alive() || shard.Condition != topology.Steady || e.isAlso(of) {
			continue
		}
		why := s.unfit(e, of, d)
		if why == "" {
			why = s.rule.against()
		}
		shard.Unused = append(shard.Unused, topology.Unused{Node: e.value(), Why: why})
	}
	for _, e := range d.guests {
		s.list(v, e)
	}
}

// unfit returns why a node that answers may not serve reads as a replica of primary, by its own report; empty if it
// may. One that served so far goes on while its primary is gone or demoted, or may be, with the data it has: its link
// broke with that primary. So does one that was never seen synchronized before, and the successor before its promotion
// is published.
func (s *State) unfit(e, primary *entry, d *draft) string {
	r := &e.role
	without := (d.leave != nil || d.suspect != "") && (s.served(d, e) || has(e, primary))
	switch {
	case r.Role == topology.RoleRefused, without && (e == d.primary || e == d.candidate) && r.Role == topology.RolePrimary:
		return ""
	case r.Role != topology.RoleReplica:
		return "it reports to be a primary"
	case r.Syncing:
		return "it is synchronizing with its primary " + r.Primary
	case !r.LinkUp && !without && (primary.outlives(e) || !s.served(d, e)):
		return "its link to its primary " + r.Primary + " is down"
	case r.Priority == 0 && !s.named[e.addr]:
		return "its replica-priority is 0, and the settings do not name it"
	case !s.follows(e, primary, without):
		return "it replicates " + r.Primary + ", which is not its primary " + primary.addr
	}
	return ""
}

// noteLink records since when a replica reports that its link is down. It may be the first to notice that its primary
// is gone: so the primary is asked at once.
func noteLink(s *State, e *entry, o *topology.RoleSeen) {
	switch {
	case o.Role != topology.RoleReplica || o.LinkUp:
		e.brokenAt = time.Time{}
	case e.brokenAt.IsZero():
		e.brokenAt = s.now
		if shard := s.view.ShardOf(e.id); shard >= 0 {
			if p := s.view.Primary(shard); p != nil {
				s.probe(s.nodes.byID[p.ID], 0)
			}
		}
	}
}

// outlives reports whether a primary has answered a question that was asked after a replica reported that its link is
// down. Until then the primary may be what is gone.
func (e *entry) outlives(replica *entry) bool { return e.askedAt.After(replica.brokenAt) }

// outlivesLinks reports whether a primary outlives the link of any replica that it did not by its answer before.
func outlivesLinks(nodes []*entry, primary *entry, askedBefore time.Time) bool {
	return slices.ContainsFunc(nodes, func(e *entry) bool {
		return !e.brokenAt.IsZero() && primary.outlives(e) && !askedBefore.After(e.brokenAt)
	})
}

// follows reports whether a replica has its primary's data, or nothing contradicts that. Histories are the best proof,
// since one server has many addresses. Without them, one that names another server does not follow; one that follows a
// replica does. An address that did not answer proves nothing: it may be the primary's own.
func (s *State) follows(e, primary *entry, without bool) bool {
	r, of := &e.role, &primary.role
	switch {
	case r.ReplID == "" || of.ReplID == "":
	case r.ReplID == of.ReplID:
		return true
	case !without && !(r.ReplID == of.ReplID2 && r.Offset < of.SecondOffset): // that one is only behind
		return false
	}
	up := s.nodes.byAddr[topology.MapAddr(s.settings.AddressMap, r.Primary)]
	if up == nil || up == primary || !up.answered() || up.reports(topology.RoleReplica) {
		return true
	}
	return up.role.RunID != "" && up.role.RunID == of.RunID
}

// has reports whether a replica has the history of a primary, with all that the primary reported.
func has(e, primary *entry) bool {
	r, of := &e.role, &primary.role
	return of.ReplID != "" && r.ReplID == of.ReplID && of.Offset >= 0 && r.Offset >= of.Offset
}

// served reports whether a node was among the replicas of the shard that a draft continues.
func (s *State) served(d *draft, e *entry) bool {
	shard := s.continued(d)
	return shard != nil && slices.ContainsFunc(shard.Replicas, func(n *topology.Node) bool { return n.ID == e.id })
}

// forget drops the answers of addresses outside the View that were not asked for a while: another server may be there
// now.
func (s *State) forget() {
	for _, e := range s.nodes.byID {
		listed := s.view != nil && int(e.id) < len(s.view.Nodes) && s.view.Nodes[e.id] != nil
		if listed || !e.settled() || s.now.Sub(e.wordAt) < keptFor || s.now.Before(e.chasedUntil) {
			continue
		}
		e.role, e.roleAt, e.losses, e.lostWhy, e.busy = topology.RoleSeen{}, time.Time{}, 0, "", ""
		e.openAt, e.askedAt = time.Time{}, time.Time{}
		s.stale = true
	}
}

// unread is a replica that is excluded from reads.
type unread struct {
	why     string
	since   time.Time
	emitted bool
}

// emitUnused reports once each replica that is excluded from reads, though its shard is well and it answers.
func (s *State) emitUnused() {
	if s.view == nil {
		return
	}
	for i := range s.view.Shards {
		shard := &s.view.Shards[i]
		for _, unused := range shard.Unused {
			u := s.unread[unused.Node.ID]
			if u == nil || u.emitted || shard.Condition != topology.Steady || s.now.Sub(u.since) < unusedFor {
				continue
			}
			u.emitted = true
			s.event(Event{Kind: ReplicaUnused, Shard: shard.Name, Subject: unused.Node.Addr, Why: u.why})
		}
	}
}

// noteUnused records since when each replica of the View is excluded from reads, and why.
func (s *State) noteUnused(v *topology.View) {
	now := map[topology.NodeID]*unread{}
	for i := range v.Shards {
		for _, unused := range v.Shards[i].Unused {
			u := s.unread[unused.Node.ID]
			if u == nil || u.why != unused.Why {
				u = &unread{why: unused.Why, since: s.now}
			}
			now[unused.Node.ID] = u
		}
	}
	s.unread = now
}

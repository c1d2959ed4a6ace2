package upstream

import (
	"slices"

	"evergate/gateway/freshness"
	"evergate/gateway/session"
)

// Read is a read of a shard that replicas may serve.
type Read struct {
	Shard, Slot int
	*session.Reading
	Keys Keys
	// Home is the number of the session among those that read from replicas.
	Home uint16
	// Why is why the primary is to serve it, after Pick has returned its connection.
	Why freshness.OnPrimary
}

// ToPrimary records why the primary is to serve a read.
func (r *Read) ToPrimary(why freshness.OnPrimary) { r.Why = why }

// Pick returns a connection to a shard for a session that has no requests in flight there, for a request of this
// Company, or nil and the obstacle. read is nil for what only the primary serves.
func (s *Servers) Pick(setup Setup, shard int, read *Read, with Company) (*Conn, Obstacle) {
	routes := s.routesFor(setup)
	if shard < 0 || shard >= len(routes) {
		return nil, NoPrimary
	}
	r := &routes[shard]
	if read != nil {
		if l, why := s.pickReplica(r, read, with); l != nil || why != Free {
			return l, why
		}
	}
	if r.primary == nil {
		return nil, NoPrimary
	}
	if r.inScript {
		return nil, RunsScript
	}
	return r.primary.Take(with)
}

// Elsewhere reports whether another server than that of a connection takes a read of a shard now, as Pick chooses it.
// Another connection to the same server is none. read is nil for what only the primary serves.
func (s *Servers) Elsewhere(l *Conn, shard int, read *Read) bool {
	routes := s.routesFor(l.Key.Setup)
	if shard < 0 || shard >= len(routes) {
		return false
	}
	r := &routes[shard]
	if read != nil {
		other, _ := s.pickReplica(r, read, Anybody)
		switch {
		case other != nil:
			return other.Key.Node != l.Key.Node
		case read.From == session.OnlyReplica:
			return false
		}
	}
	if r.primary == nil || r.primary.key.Node == l.Key.Node {
		return false
	}
	other, _ := r.primary.Usable()
	return other != nil
}

// pickReplica returns a connection to a replica that serves a read. Without one it returns Free where the primary may
// serve it, and else the obstacle.
func (s *Servers) pickReplica(r *route, read *Read, with Company) (*Conn, Obstacle) {
	switch {
	case len(r.replicas) == 0 && read.From == session.OnlyReplica:
		return nil, NoServer
	case len(r.replicas) == 0:
		read.Why = freshness.NoneServes
		return nil, Free
	case read.Consistency == session.Eventual:
		return s.pickAny(r, read, with)
	}
	first, tries := uint32(read.Home), 1
	if read.Consistency == session.Bounded {
		r.next++
		first, tries = r.next, len(r.replicas)
	}
	for i := range tries {
		set := r.turn(first+uint32(i), i)
		if read.Why = freshness.LeftOut; set.health.out() && r.spares() {
			continue
		}
		read.Why = freshness.NotConnected
		l, _ := set.Take(with)
		if l != nil && l.Late {
			read.Why = freshness.LeftOut
			continue
		}
		if l != nil && s.Serves(l, read) {
			return l, Free
		}
	}
	return nil, Free
}

// spares reports whether the shard has a replica that is not left out and takes reads, so that others can be.
func (r *route) spares() bool {
	return slices.ContainsFunc(r.replicas, func(set *Set) bool {
		return !set.health.out() && slices.ContainsFunc(set.conns, func(l *Conn) bool { return l.State == Open && !l.Silent })
	})
}

// pickAny returns a connection to the next replica in turn.
func (s *Servers) pickAny(r *route, read *Read, with Company) (*Conn, Obstacle) {
	best, spares := Free, r.spares()
	var late *Conn
	for i := range r.replicas {
		r.next++
		set := r.turn(r.next, i)
		if spares && set.health.out() {
			continue
		}
		l, why := set.Take(with)
		if l != nil && !l.Late {
			return l, Free
		}
		if l != nil {
			late = l
		}
		if why == SoonConn || why == Full && best == Free {
			best = why
		}
	}
	read.Why = freshness.NotConnected
	switch {
	case late != nil:
		return late, Free
	case best != Free, read.From != session.OnlyReplica:
		return nil, best
	case !slices.ContainsFunc(r.replicas, (*Set).mayAdmit):
		return nil, NotAdmitted
	}
	return nil, NoReplica
}

// Serves reports whether the replica at the other end of a connection is fresh enough for a read. Otherwise read.Why
// says why not.
func (s *Servers) Serves(l *Conn, read *Read) bool {
	r := freshness.Read{
		Epoch: s.View.Epoch, Slot: read.Slot, Cells: read.Keys, Floor: s.homes[read.Shard].since,
	}
	why := freshness.Fresh
	switch read.Consistency {
	case session.Gateway:
		why = s.fresh.May(&r, l.Key.Node, l.proven)
	case session.Bounded:
		bound := freshness.Bound{Age: read.Lag.Time, Bytes: read.Lag.Bytes}
		why = s.fresh.Within(bound, &r, l.Key.Node, l.proven, s.pool.WallClock())
	}
	if why != freshness.Fresh {
		read.Why = freshness.OnPrimary(why - 1)
	}
	return why == freshness.Fresh
}

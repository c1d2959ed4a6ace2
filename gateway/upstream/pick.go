package upstream

import "slices"

// Pick returns a connection to a shard for a session that has no requests in flight there, for a request of this
// Company, or nil and the obstacle.
func (s *Servers) Pick(setup Setup, shard int, read bool, with Company) (*Conn, Obstacle) {
	routes := s.routesFor(setup)
	if shard < 0 || shard >= len(routes) {
		return nil, NoPrimary
	}
	r := &routes[shard]
	if read && s.Reads != FromPrimary {
		best := Free
		for range r.replicas {
			r.next++
			l, why := r.replicas[r.next%uint32(len(r.replicas))].Take(with)
			if l != nil {
				return l, Free
			}
			if why == SoonConn || why == Full && best == Free {
				best = why
			}
		}
		switch {
		case best != Free:
			return nil, best
		case s.Reads == OnlyReplica && len(r.replicas) == 0:
			return nil, NoServer
		case s.Reads == OnlyReplica && !slices.ContainsFunc(r.replicas, (*Set).mayAdmit):
			return nil, NotAdmitted
		case s.Reads == OnlyReplica:
			return nil, NoReplica
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

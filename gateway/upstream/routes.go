package upstream

import (
	"iter"
	"slices"
	"time"

	"evergate/topology"
)

// Reads says which servers may answer reads.
type Reads uint8

const (
	// FromPrimary sends reads to the primary.
	FromPrimary Reads = iota
	// PreferReplica sends reads round-robin to replicas, to the primary when none can answer.
	PreferReplica
	// OnlyReplica sends reads to replicas; without one they get an error.
	OnlyReplica
)

// route is how to reach one shard.
type route struct {
	primary  *Set // nil while the shard has no primary
	inScript bool // it runs a script and takes nothing else (topology.Node.Busy)
	replicas []*Set
	next     uint32 // round-robin
}

// routes are how to reach the shards of a view with one setup.
type routes struct {
	setup   Setup
	byShard []route
	usedAt  time.Duration
}

// DialAhead has the connections of a session's setup made before it needs one.
func (s *Servers) DialAhead(setup Setup) {
	if s.View != nil {
		s.routesFor(setup)
	}
}

// Renew makes the routes anew under a new view. Connections that no route needs any more stay until leave.
func (s *Servers) Renew() {
	former := s.routes
	s.routes = nil
	if s.View == nil {
		return
	}
	s.routesFor(Setup{Proto: 2}) // its connections are there before the first client
	for i := range former {
		if s.pool.Clock.Now-former[i].usedAt < IdleAfter || former[i].setup.DB == 0 {
			s.routesFor(former[i].setup)
		}
	}
}

// routesFor returns the routes of a service for a setup, made when it is first chosen. There must be a view.
func (s *Servers) routesFor(setup Setup) []route {
	for i := range s.routes {
		if r := &s.routes[i]; r.setup == setup {
			r.usedAt = s.pool.Clock.Now
			return r.byShard
		}
	}
	made := s.makeRoutes(setup)
	s.routes = append(s.routes, routes{setup, made, s.pool.Clock.Now})
	if setup.DB != 0 {
		s.pool.Clock.At(s.pool.Clock.Now + IdleAfter)
	}
	return made
}

func (s *Servers) makeRoutes(setup Setup) []route {
	routes := make([]route, len(s.View.Shards))
	for i := range s.View.Shards {
		sh := &s.View.Shards[i]
		r := &routes[i]
		r.next = s.pool.Rand.Uint32()
		if sh.Primary != nil {
			r.primary = s.Set(sh.Primary, Primary, setup)
			r.inScript = sh.Primary.Busy != ""
			if s.pool.sets[dedicatedKey(s, sh.Primary, setup)] != nil {
				s.DedicatedSet(sh.Primary, setup)
			}
		}
		if s.Reads == FromPrimary {
			continue
		}
		for _, n := range sh.Replicas {
			r.replicas = append(r.replicas, s.Set(n, Replica, setup))
		}
	}
	return routes
}

// DropIdle closes the connections to databases that nobody has used for a while.
func (s *Servers) DropIdle() {
	s.routes = slices.DeleteFunc(s.routes, func(r routes) bool {
		if r.setup.DB == 0 {
			return false
		}
		if idleAt := r.usedAt + IdleAfter; s.pool.Clock.Now < idleAt {
			s.pool.Clock.At(idleAt)
			return false
		}
		for i := range r.byShard {
			if p := r.byShard[i].primary; p != nil {
				p.closeIdle()
			}
			for _, set := range r.byShard[i].replicas {
				set.closeIdle()
			}
		}
		return true
	})
}

// Pick finds a connection for a new flight that tolerates this company.
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

// TakesWrites says that a shard has a usable connection to its primary. What belongs to no shard waits for a view
// alone.
func (s *Servers) TakesWrites(shard int) bool {
	if s.View == nil || shard >= len(s.View.Shards) {
		return true
	}
	for i := range s.routes {
		primary := s.routes[i].byShard[shard].primary
		if primary == nil || s.routes[i].byShard[shard].inScript {
			continue
		}
		for _, l := range primary.conns {
			if l.Usable(s.pool.Clock.Now) {
				return true
			}
		}
	}
	return false
}

// PrimaryTakes reports whether the primary of a shard takes a request now.
func (s *Servers) PrimaryTakes(shard int, setup Setup) bool {
	routes := s.routesFor(setup)
	if shard >= len(routes) || routes[shard].primary == nil {
		return false
	}
	l, _ := routes[shard].primary.Usable()
	return l != nil
}

// AnotherReads says that another server of the connection's shard can take reads now.
func (s *Servers) AnotherReads(l *Conn) bool {
	shard := s.View.ShardOf(l.Key.Node)
	if shard < 0 {
		return false
	}
	r := &s.routesFor(l.Key.Setup)[shard]
	for _, set := range r.replicas {
		if other, _ := set.Usable(); other != nil {
			return true
		}
	}
	if r.primary == nil || s.Reads == OnlyReplica {
		return false
	}
	other, _ := r.primary.Usable()
	return other != nil
}

// Replicas yields a connection to each replica that takes a request now.
func (s *Servers) Replicas(setup Setup) iter.Seq[*Conn] {
	return func(yield func(*Conn) bool) {
		for _, r := range s.routesFor(setup) {
			for _, set := range r.replicas {
				if l, _ := set.Usable(); l != nil && !l.Full() && !yield(l) {
					return
				}
			}
		}
	}
}

// InScript is what the primary of a shard says to everything while it runs a script, or empty.
func (s *Servers) InScript(shard int) string {
	if p := s.View.Primary(shard); p != nil {
		return p.Busy
	}
	return ""
}

// AnyInScript says that a primary runs a script and takes nothing else.
func (s *Servers) AnyInScript() bool {
	return slices.ContainsFunc(s.View.Shards, func(sh topology.Shard) bool {
		return sh.Primary != nil && sh.Primary.Busy != ""
	})
}

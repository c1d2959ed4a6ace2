package upstream

import (
	"iter"
	"slices"
	"time"

	"evergate/gateway/acks"
	"evergate/gateway/session"
	"evergate/topology"
)

// route is how to reach one shard.
type route struct {
	primary  *Set // nil while the shard has no primary
	inScript bool // the primary is busy with a script and takes nothing else (topology.Node.Busy)
	replicas []*Set
	near     int    // the first so many are in the gateway's own zone
	next     uint32 // round-robin
	// acked are the connections for writes that replicas must confirm, for routes.terms; nil where none was needed.
	acked []*Set
}

// turn returns the replica for the i-th try of a read, by a number that rises with each: those of the own zone in turn,
// then the others.
func (r *route) turn(number uint32, i int) *Set {
	if i < r.near {
		return r.replicas[number%uint32(r.near)]
	}
	return r.replicas[uint32(r.near)+number%uint32(len(r.replicas)-r.near)]
}

// routes are how to reach the shards of a view with one setup. usedAt is when a session last did.
type routes struct {
	setup   Setup
	byShard []route
	usedAt  time.Duration
	terms   acks.Used
}

// DialAhead makes the routes of a setup, so that its connections are open before a session sends anything.
func (s *Servers) DialAhead(setup Setup) {
	if s.View != nil {
		s.routesFor(setup)
	}
}

// Renew makes the routes of a new view. Connections that no route leads to any more stay until Leave.
func (s *Servers) Renew() {
	old := s.routes
	s.routes = nil
	if s.View == nil {
		return
	}
	if !s.Lazy {
		s.routesFor(Setup{Proto: 2}) // its connections are there before the first client
	}
	for i := range old {
		if s.pool.Clock.Now-old[i].usedAt < IdleAfter || !s.closesIdle(old[i].setup) {
			s.routesOf(old[i].setup).keepTerms(s, old[i].terms)
		}
	}
}

// routesFor returns the routes for a setup, one for each shard, and makes them at its first use. There must be a view.
func (s *Servers) routesFor(setup Setup) []route { return s.routesOf(setup).byShard }

// routesOf is routesFor with what else is kept for a setup. It is valid until the next call.
func (s *Servers) routesOf(setup Setup) *routes {
	for i := range s.routes {
		if r := &s.routes[i]; r.setup == setup {
			r.usedAt = s.pool.Clock.Now
			return r
		}
	}
	s.routes = append(s.routes, routes{setup: setup, byShard: s.makeRoutes(setup), usedAt: s.pool.Clock.Now})
	if s.closesIdle(setup) {
		s.pool.Clock.At(s.pool.Clock.Now + IdleAfter)
	}
	return &s.routes[len(s.routes)-1]
}

// makeRoutes makes the routes for a setup, and opens the connections that they need.
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
		if s.Reads == session.FromPrimary {
			continue
		}
		for _, n := range sh.Replicas {
			r.replicas = append(r.replicas, s.Set(n, Replica, setup))
			r.near = sh.Near
		}
	}
	return routes
}

// DropIdle closes the connections that were not used for IdleAfter, of those that are closed then. awaited: sessions
// wait for the servers, so that their connections are used.
func (s *Servers) DropIdle(awaited bool) {
	now := s.pool.Clock.Now
	for i := range s.routes {
		if r := &s.routes[i]; s.Lazy && now >= r.usedAt+IdleAfter && (awaited || s.inUse()) {
			r.usedAt = now
		}
	}
	s.routes = slices.DeleteFunc(s.routes, func(r routes) bool {
		if !s.closesIdle(r.setup) {
			return false
		}
		if idleAt := r.usedAt + IdleAfter; now < idleAt {
			s.pool.Clock.At(idleAt)
			return false
		}
		for i := range r.byShard {
			if p := r.byShard[i].primary; p != nil {
				p.closeIdle()
			}
			for _, set := range slices.Concat(r.byShard[i].replicas, r.byShard[i].acked) {
				if set != nil {
					set.closeIdle()
				}
			}
		}
		return true
	})
}

// TakesWrites reports whether a shard has a usable connection to its primary. A shard past the last one stands for
// requests that have none, and takes them under any view.
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

// InScript returns the error with which the primary of a shard rejects everything while it runs a script, or "".
func (s *Servers) InScript(shard int) string {
	if p := s.View.Primary(shard); p != nil {
		return p.Busy
	}
	return ""
}

// AnyInScript reports whether any primary is busy with a script.
func (s *Servers) AnyInScript() bool {
	return slices.ContainsFunc(s.View.Shards, func(sh topology.Shard) bool {
		return sh.Primary != nil && sh.Primary.Busy != ""
	})
}

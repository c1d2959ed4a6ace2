package upstream

import (
	"maps"

	"evergate/gateway/session"
)

// Where the servers decide what a user may do, each user has Servers of its own: the same nodes, under the same view,
// with connections on which the user has authenticated. A Key names one of them, so no two users share a connection.

// KnowUsers records that the servers of a service know its users: AddUser is called for each.
func (s *Servers) KnowUsers() { s.Lazy = true }

// AddUser adds the servers of a service once more, for the clients with these credentials. They begin with its view.
// They have an Index of their own, that of former ones that were dropped if there are any.
func (of *Servers) AddUser(as session.Credentials) *Servers {
	p := of.pool
	s := &Servers{
		pool: p, Index: max(p.Places, len(p.servers)), Of: of.Index, As: &as, Lazy: true, Name: of.Name, Reads: of.Reads,
		silentAfter: of.silentAfter, silent: of.silent, View: of.View, promoted: maps.Clone(of.promoted),
		marker: of.marker, homes: of.homes, switched: of.switched,
		hedging: of.hedging, kill: of.kill,
	}
	if of.View != nil {
		s.left = of.View.Epoch // no connection leads anywhere yet
	}
	for i := p.Places; i < len(p.servers); i++ {
		if p.servers[i] == nil {
			s.Index = i
			break
		}
	}
	p.put(s)
	return s
}

// Drop forgets what Add or AddUser added. It must have no connections; see Unconnected.
func (s *Servers) Drop() {
	s.endLate(func(*lateWrite) bool { return true }) // it was idle for longer than a server takes
	s.pool.servers[s.Index] = nil
	maps.DeleteFunc(s.pool.sets, func(k Key, _ *Set) bool { return k.Service == s.Index })
}

// Unconnected reports whether there are no connections to the servers, not even any that are being dialled.
func (s *Servers) Unconnected() bool { return s.conns == 0 }

// Disconnect closes the connections, if nothing is under way on any, and reports whether there are none.
func (s *Servers) Disconnect() bool {
	for l := range s.pool.All {
		if l.Key.Service == s.Index && (l.Owned || l.Draining || l.Owes() || l.Key.Purpose == Subscription) {
			return false
		}
	}
	for l := range s.pool.All {
		if l.Key.Service == s.Index {
			s.pool.Remove(l, Idle)
		}
	}
	return s.Unconnected()
}

// Abandon closes the connections, now that no session uses them, and reports whether there are none any more. Those
// that owe a reply are kept until it has come; at once: none is.
func (s *Servers) Abandon(atOnce bool) bool {
	for l := range s.pool.All {
		switch {
		case l.Key.Service != s.Index:
		case l.State == Open && l.Inflight.Len() > 0 && l.Key.Purpose != Subscription && !atOnce:
		case l.State == Open:
			s.pool.Lose(l, Retired)
			s.pool.Remove(l, Retired)
		default:
			s.pool.Remove(l, Retired)
		}
	}
	return s.Unconnected()
}

// hasBeside reports whether there is a connection to the servers beside this one. It may still be being dialled.
func (s *Servers) hasBeside(rejected *Conn) bool {
	for l := range s.pool.All {
		if l.Key.Service == s.Index && l != rejected {
			return true
		}
	}
	return false
}

// allLeft reports whether the service of s, and those of its users, have all left the demoted primaries of its view.
func (s *Servers) allLeft() bool {
	for _, other := range s.pool.servers {
		if other != nil && other.Of == s.Of && other.left != s.View.Epoch {
			return false
		}
	}
	return true
}

// closesIdle reports whether connections with this setup are closed when they are idle.
func (s *Servers) closesIdle(setup Setup) bool { return s.Lazy || setup.DB != 0 }

// inUse reports whether anything is under way on a connection of Servers that are Lazy, or belongs to a session.
func (s *Servers) inUse() bool {
	for l := range s.pool.All {
		if l.Key.Service == s.Index && (l.Owned || l.Inflight.Len() > 0 && l.Key.Purpose != Subscription) {
			return true
		}
	}
	return false
}

// mayAdmit reports whether the server has not rejected the credentials of the user.
func (set *Set) mayAdmit() bool { return !set.rejects }

// notAuthenticated handles a server that rejects the credentials of a user. That is for the clients to know; the server
// works, and another dial would end alike. It is dialled again when a client needs it.
func (s *Servers) notAuthenticated(l *Conn) {
	p := s.pool
	if set := p.sets[l.Key]; len(set.conns) > 1 || l.Key.Purpose == Replica {
		set.singleUntil = p.Clock.Now + RedialMax // others serve
		set.rejects = len(set.conns) == 1
		p.redial(l)
		p.Users.Elsewhere(l.Key.Service) // a read that no other server may serve gets an error
		return
	}
	if l.Key.Purpose == Subscription {
		p.Users.Failed(l)
	}
	p.Users.Rejected(l, !s.hasBeside(l))
	l.State = Waiting // the loop has no connection
	p.Remove(l, NotAuthenticated)
}

package sessions

import (
	"time"

	"evergate/gateway/access"
	"evergate/gateway/catalog"
	"evergate/gateway/latency"
	"evergate/gateway/local"
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
	"evergate/topology"
)

// Service is what is kept for one service: its sessions that wait for the same, and its settings.
type Service struct {
	*upstream.Servers
	// Catalog has what the servers reported about commands, keys, functions and databases.
	Catalog *catalog.Catalog
	// BlockingLost is what becomes of its blocking pops whose outcome is unknown.
	BlockingLost BlockingLost
	x            *Sessions
	allowed      map[string]bool
	Users        *access.Users // of the clients; see UsersAt
	holds        []wait.Buffer // one for each shard of the view, and a last one for requests without a shard
	full         wait.List     // sessions that wait for a connection that is full
	// withholding are the sessions that have withheld replies.
	withholding []session.Ref
	// sessions is how many clients it has. unusedSince is since when it has none.
	sessions    int
	unusedSince time.Duration
	counts      Counts
	waits       latency.Recent // of requests for a server
	// closed: clients without credentials are rejected, or have been where the servers know the users.
	closed bool
	// none is the rare part of all clients that have none of their own. It stays zero: Session.own makes a client its
	// own.
	none rare
}

// BlockingLost is what becomes of a blocking pop whose connection was lost after it was sent: the server may have taken
// an element for it that no client has received.
type BlockingLost uint8

const (
	// RetryPop retries it, and counts that.
	RetryPop BlockingLost = iota
	// CloseClient closes the client's connection.
	CloseClient
	// AnswerUncertain answers -UNCERTAIN, as for any write.
	AnswerUncertain
)

// Serve adds a service, in place of one with its Index that nobody used any more. learnt is its catalog, lost what
// becomes of blocking pops whose outcome is unknown, allowed the dangerous commands that a setting permits, by their
// names in the table of package routing, users those of its clients.
func (x *Sessions) Serve(s *upstream.Servers, learnt *catalog.Catalog, lost BlockingLost, allowed map[string]bool,
	users *access.Users) *Service {
	shards := 0
	if s.View != nil {
		shards = len(s.View.Shards)
	}
	served := &Service{Servers: s, Catalog: learnt, x: x, BlockingLost: lost, holds: make([]wait.Buffer, shards+1),
		allowed: allowed, Users: users, closed: s.As == nil && !s.Lazy, unusedSince: x.clock.Now}
	for s.Index >= len(x.served) {
		x.served = append(x.served, nil)
	}
	if old := x.served[s.Index]; old != nil {
		x.served[old.Of].counts.Add(&old.counts)
	}
	x.served[s.Index] = served
	return served
}

// Forget forgets a service of the settings and those of its users. They must have no session and no connection.
func (x *Sessions) Forget(of int) {
	for i, s := range x.served {
		if s != nil && s.Of == of {
			x.served[i] = nil
		}
	}
}

// UsersAt returns the users of the clients of a listener.
func (s *Service) UsersAt(listener int32) *access.Users { return s.Users.At(int(listener)) }

// SetUsers replaces the users of a service. The sessions keep theirs, see Session.Become.
func (s *Service) SetUsers(users *access.Users) { s.Users = users }

// Permits reports whether a setting permits a dangerous command.
func (s *Service) Permits(command *routing.Command) bool { return s.allowed[command.Name] }

// SetPolicy replaces what becomes of blocking pops whose outcome is unknown, and the dangerous commands that are
// permitted.
func (s *Service) SetPolicy(lost BlockingLost, allowed map[string]bool) {
	s.BlockingLost, s.allowed = lost, allowed
}

// Close records whether a server has rejected a client without credentials.
func (s *Service) Close(closed bool) { s.closed = closed }

// Rehome makes a session one of another service with the same servers. Nothing of it may be under way, and it has no
// dedicated connection.
func (s *Service) Rehome(c *Session) {
	if c.rare == &c.Service.none {
		c.rare = &s.none
	}
	c.Service.leave()
	c.Service = s
	s.sessions++
}

// leave counts one session less.
func (s *Service) leave() {
	if s.sessions--; s.sessions == 0 && s.As != nil {
		s.unusedSince = s.x.clock.Now
		s.x.clock.At(s.unusedSince + upstream.IdleAfter)
	}
}

// UnusedFor is for how long a service has had no session; false while it has some.
func (s *Service) UnusedFor() (d time.Duration, unused bool) {
	return s.x.clock.Now - s.unusedSince, s.sessions == 0
}

// Awaited reports whether sessions wait for a server of the service.
func (s *Service) Awaited() bool {
	for i := range s.holds {
		if _, waits := s.holds[i].Next(); waits {
			return true
		}
	}
	return !s.full.Empty()
}

// AwaitsOthers returns the sessions that wait for a shard whose primary is another node than this one.
func (s *Service) AwaitsOthers(node topology.NodeID) map[session.Ref]bool {
	others := map[session.Ref]bool{}
	for i := range s.holds {
		if s.View == nil || i >= len(s.View.Shards) || s.View.Shards[i].Primary != nil &&
			s.View.Shards[i].Primary.ID == node {
			continue
		}
		for ref := range s.holds[i].All {
			others[ref] = true
		}
	}
	return others
}

// NotTaken is the error for a request that a shard cannot take: the server's own where it is busy with a script or
// rejects the user, NOREPLICAS where too few replicas could confirm it, or else Loading(refused).
func (s *Service) NotTaken(shard int, why upstream.Obstacle, refused string) []byte {
	switch why {
	case upstream.RunsScript:
		s.countRefused()
		return resp.AppendError(nil, s.View.Shards[shard].Primary.Busy)
	case upstream.NotAdmitted:
		s.countRefused()
		return s.Rejection()
	case upstream.LacksReplicas:
		s.countRefused()
		return resp.AppendError(nil, "NOREPLICAS evergate: service '"+s.Name+"': "+refused+"; the command was not executed")
	}
	return s.Loading(refused)
}

// Rejection is the error of a server that rejects the credentials of the clients of the service.
func (s *Service) Rejection() []byte {
	if s.As.None() {
		return local.NoAuth
	}
	return local.WrongPass
}

// Loading is the error for a request that was not executed, and counts it. Most client libraries retry after LOADING by
// themselves.
func (s *Service) Loading(why string) []byte {
	s.countRefused()
	s.x.conf.Unserved(s.Of, why)
	return resp.AppendError(nil, "LOADING evergate: service '"+s.Name+"': "+why+"; the command was not executed")
}

package exchange

import (
	"slices"

	"evergate/gateway/downstream"
	"evergate/gateway/facade"
	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
)

// Arrival is what is known of a client that has just come.
type Arrival struct {
	Listener int
	Hold     Hold
	Face     *facade.Role // nil: its listener pretends nothing
	// Remote and Local are its addresses as CLIENT LIST shows them.
	Remote, Local string
	// Authenticated: no password is required.
	Authenticated bool
}

// Open begins the session of a client. Its Ref's ID stays its own until it is closed.
func (x *Exchange) Open(s *Service, a Arrival) *Session {
	var id uint32
	if n := len(x.free); n > 0 {
		id = x.free[n-1]
		x.free = x.free[:n-1]
	} else {
		id = uint32(len(x.clients))
		x.clients = append(x.clients, nil)
	}
	x.nextSeen++
	if x.nextSeen == 0 {
		x.nextSeen = 1 // it has wrapped around: 0 is nobody
	}
	c := &Session{
		Session: session.Session{Proto: 2, Listener: int32(a.Listener), Authenticated: a.Authenticated,
			OpenedAt: x.clock.Now, ActiveAt: x.clock.Now},
		Conn: downstream.New(), Ref: session.Ref{ID: id, Generation: x.nextSeen}, Service: s, hold: a.Hold, Face: a.Face,
		rare: &s.none, Number: x.conf.ClientNumber(), Remote: a.Remote, Local: a.Local,
	}
	x.clients[id] = c
	x.open++
	x.totals.ClientsOpened++
	if x.conf.IdleMax > 0 || !c.Authenticated && x.conf.AuthMax > 0 {
		x.clock.At(x.sweepAt)
	}
	return c
}

// ByID returns the session of a connected client.
func (x *Exchange) ByID(id uint32) *Session { return x.clients[id] }

// All yields the sessions of connected clients. They may be closed meanwhile.
func (x *Exchange) All(yield func(*Session) bool) {
	for _, c := range x.clients {
		if c != nil && !yield(c) {
			return
		}
	}
}

// Clients is the number of connected clients.
func (x *Exchange) Clients() int { return x.open }

// Held is the number of sessions that wait for a server.
func (x *Exchange) Held() int { return x.waiting.Sessions }

// ClientBytes returns the bytes to write to a client next; empty when there are none. They are valid until the next
// call of any method.
func (x *Exchange) ClientBytes(id uint32) []byte {
	c := x.clients[id]
	if c == nil {
		return nil
	}
	c.due = notDue
	return c.Output.Bytes()
}

// ClientWrote records that the kernel took n bytes.
func (x *Exchange) ClientWrote(id uint32, n int) {
	c := x.clients[id]
	if c == nil {
		return
	}
	c.Output.Wrote(x.blocks, n)
	c.tookAt = x.clock.Now
	x.totals.ClientOutBytes += uint64(n)
	x.drained(c)
}

// ClientClosed records that a client has left. What it sent and was not begun is forgotten.
func (x *Exchange) ClientClosed(id uint32) {
	if c := x.clients[id]; c != nil {
		x.forget(c, session.ClientLeft)
		return
	}
	// It left in the moment in which it was to be closed.
	x.outs.CloseClients = slices.DeleteFunc(x.outs.CloseClients, func(closing uint32) bool { return closing == id })
}

// Idle reports whether nothing is to be done for clients.
func (x *Exchange) Idle() bool { return x.outs.empty() }

// Take lets a session run that was woken. It returns nil when it has left, or waits again.
func (x *Exchange) Take(who session.Ref) *Session {
	c := x.Session(who)
	if c == nil || !c.Place.Take() {
		return nil
	}
	c.Reason = wait.Running
	x.waiting.Release(&c.Place)
	return c
}

// Places is how many IDs clients have had at once.
func (x *Exchange) Places() int { return len(x.clients) }

// Served is the service that a connection belongs to.
func (x *Exchange) Served(l *upstream.Conn) *Service { return x.served[l.Key.Service] }

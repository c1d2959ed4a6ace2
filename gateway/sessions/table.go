package sessions

import (
	"slices"
	"time"

	"evergate/gateway/downstream"
	"evergate/gateway/facade"
	"evergate/gateway/session"
	"evergate/gateway/wait"
)

// Table has the sessions of the connected clients.
type Table struct {
	x        *Sessions
	clients  []*Session  // by ID; nil where none is connected
	free     []uint32    // IDs to reuse
	freed    [2][]uint32 // IDs of clients that left: in this round, and in the one before, which the loop now closes
	open     int
	overs    int    // clients past their soft limit
	endings  int    // clients that will be closed when they have read what they are owed, or have half-closed
	nextSeen uint32 // generation of the next client
	sweepAt  time.Duration
	outs     ClientOut // of the round under way
	given    ClientOut // of the round before: the loop reads it
}

// ClientOut is what the loop must do for clients at the end of a round. It is valid until the next Turn.
type ClientOut struct {
	// Clients have bytes to write: call ClientBytes, then ClientWrote.
	Clients []uint32
	// CloseClients must be closed now. No further call names them.
	CloseClients []uint32
	// ReadClients stops or resumes reading from clients, in this order.
	ReadClients []ClientReading
}

// ClientReading stops reading from a client, or resumes it.
type ClientReading struct {
	Client uint32
	On     bool
}

// empty reports whether the loop has nothing to do.
func (o *ClientOut) empty() bool { return len(o.Clients)+len(o.CloseClients)+len(o.ReadClients) == 0 }

// Arrival is what is known of a client that has just connected.
type Arrival struct {
	// Listener is the ID of the listener that accepted it, Terms and Role are the settings of that; Role is nil where it
	// emulates none.
	Listener int
	Terms    *Terms
	Role     *facade.Role
	// Remote and Local are its addresses, as CLIENT LIST shows them.
	Remote, Local string
}

// Open begins the session of a client. The ID of its Ref is not reused before the client is closed.
func (t *Table) Open(s *Service, a Arrival) *Session {
	var id uint32
	if n := len(t.free); n > 0 {
		id = t.free[n-1]
		t.free = t.free[:n-1]
	} else {
		id = uint32(len(t.clients))
		t.clients = append(t.clients, nil)
	}
	t.nextSeen++
	if t.nextSeen == 0 {
		t.nextSeen = 1 // it has wrapped around; 0 identifies no client
	}
	c := &Session{
		Session: session.Session{Proto: 2, Listener: int32(a.Listener), OpenedAt: t.x.clock.Now, ActiveAt: t.x.clock.Now},
		Conn:    downstream.New(), Ref: session.Ref{ID: id, Generation: t.nextSeen}, Service: s, Role: a.Role,
		rare: &s.none, Number: t.x.conf.ClientNumber(), Remote: a.Remote, Local: a.Local,
		login: login{s.UsersAt(int32(a.Listener)).Initial(), a.Terms},
	}
	t.clients[id] = c
	s.sessions++
	t.open++
	t.x.totals.ClientsOpened++
	if t.x.conf.IdleMax > 0 || c.User == nil && t.x.conf.AuthMax > 0 {
		t.x.clock.At(t.sweepAt)
	}
	return c
}

// SetRoles gives each session the role of its listener, which is of the same kind and may report other addresses.
func (t *Table) SetRoles(of func(listener int) *facade.Role) {
	for c := range t.All {
		c.Role = of(int(c.Listener))
	}
}

// Session returns the session that a Ref identifies, or nil when its client has left.
func (t *Table) Session(ref session.Ref) *Session {
	if int(ref.ID) >= len(t.clients) {
		return nil
	}
	c := t.clients[ref.ID]
	if c == nil || c.Ref != ref {
		return nil
	}
	return c
}

// PlaceOf returns the place at which a session waits, or nil when its client has left.
func (t *Table) PlaceOf(ref session.Ref) *wait.Place {
	if c := t.Session(ref); c != nil {
		return &c.Place
	}
	return nil
}

// ByID returns the session of the connected client with this ID.
func (t *Table) ByID(id uint32) *Session { return t.clients[id] }

// All yields the sessions of the connected clients. yield may close them.
func (t *Table) All(yield func(*Session) bool) {
	for _, c := range t.clients {
		if c != nil && !yield(c) {
			return
		}
	}
}

// Clients is the number of connected clients.
func (t *Table) Clients() int { return t.open }

// Places is one more than the highest ID in use so far.
func (t *Table) Places() int { return len(t.clients) }

// Take begins to run a session that was woken. It returns nil when its client has left, or when it was not woken.
func (t *Table) Take(ref session.Ref) *Session {
	c := t.Session(ref)
	if c == nil || !c.Place.Take() {
		return nil
	}
	t.x.waiting.Release(&c.Place)
	return c
}

// ClientBytes returns the bytes to write to a client next, none when there are none. They are valid until the next call
// of any method.
func (t *Table) ClientBytes(id uint32) []byte {
	c := t.clients[id]
	if c == nil {
		return nil
	}
	c.due = notDue
	return c.Output.Bytes()
}

// ClientWrote records that the kernel took the first n bytes of ClientBytes.
func (t *Table) ClientWrote(id uint32, n int) {
	c := t.clients[id]
	if c == nil {
		return
	}
	c.Output.Wrote(t.x.blocks, n)
	t.x.Account(c)
	c.tookAt = t.x.clock.Now
	t.x.totals.ClientOutBytes += uint64(n)
	if c.over {
		t.watchSoft(c, c.heldBytes())
	}
	t.x.drained(c)
}

// ClientClosed records that a client has left. Its unread input is dropped.
func (t *Table) ClientClosed(id uint32) {
	if c := t.clients[id]; c != nil {
		t.forget(c, session.ClientLeft)
		return
	}
	// It left after its session was closed, and before the loop was told.
	t.outs.CloseClients = slices.DeleteFunc(t.outs.CloseClients, func(closing uint32) bool { return closing == id })
}

// Idle reports whether the loop has nothing to do for clients.
func (t *Table) Idle() bool { return t.outs.empty() }

// Turn ends a round: it returns what the loop must do for clients.
func (t *Table) Turn() *ClientOut {
	t.outs, t.given = t.given, t.outs
	t.outs.Clients, t.outs.CloseClients, t.outs.ReadClients = t.outs.Clients[:0], t.outs.CloseClients[:0],
		t.outs.ReadClients[:0]
	// An ID is free when the loop has closed the connection: until then an event of the old client could be taken for
	// one of the new client.
	t.free = append(t.free, t.freed[1]...)
	t.freed[0], t.freed[1] = t.freed[1][:0], t.freed[0]
	return &t.given
}

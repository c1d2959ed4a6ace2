package exchange

import (
	"slices"
	"time"

	"evergate/gateway/downstream"
	"evergate/gateway/facade"
	"evergate/gateway/session"
	"evergate/gateway/wait"
)

// Table are the sessions of connected clients.
type Table struct {
	x        *Exchange
	clients  []*Session  // by id; nil where none is connected
	free     []uint32    // ids to use again
	freed    [2][]uint32 // ids of clients that left: not yet told to the loop, and told in the round under way
	open     int
	endings  int    // clients that are to be closed and are owed something
	nextSeen uint32 // generation of the next client
	sweepAt  time.Duration
	outs     ClientOut // being filled
	given    ClientOut // in the hands of the loop
}

// ClientOut is what the loop must do for clients at the end of a round. It is valid until the next Turn.
type ClientOut struct {
	// Clients have bytes to write: ask ClientBytes, say ClientWrote.
	Clients []uint32
	// CloseClients are to be closed now; nothing more is said of them.
	CloseClients []uint32
	// ReadClients switches reading from clients on or off, in order.
	ReadClients []ClientReading
}

// ClientReading switches reading from a client on or off.
type ClientReading struct {
	Client uint32
	On     bool
}

func (o *ClientOut) empty() bool { return len(o.Clients)+len(o.CloseClients)+len(o.ReadClients) == 0 }

// Arrival is what is known of a client that has just come.
type Arrival struct {
	Listener int
	Hold     Hold
	Role     *facade.Role // nil: its listener pretends nothing
	// Remote and Local are its addresses as CLIENT LIST shows them.
	Remote, Local string
	// Authenticated: no password is required.
	Authenticated bool
}

// Open begins the session of a client. Its Ref's ID stays its own until it is closed.
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
		t.nextSeen = 1 // it has wrapped around: 0 is nobody
	}
	c := &Session{
		Session: session.Session{Proto: 2, Listener: int32(a.Listener), Authenticated: a.Authenticated,
			OpenedAt: t.x.clock.Now, ActiveAt: t.x.clock.Now},
		Conn: downstream.New(), Ref: session.Ref{ID: id, Generation: t.nextSeen}, Service: s, hold: a.Hold, Role: a.Role,
		rare: &s.none, Number: t.x.conf.ClientNumber(), Remote: a.Remote, Local: a.Local,
	}
	t.clients[id] = c
	t.open++
	t.x.totals.ClientsOpened++
	if t.x.conf.IdleMax > 0 || !c.Authenticated && t.x.conf.AuthMax > 0 {
		t.x.clock.At(t.sweepAt)
	}
	return c
}

// Session finds the client that a pending or a waiter names; nil when it has left.
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

// PlaceOf returns where a session waits, or nil when it has left.
func (t *Table) PlaceOf(who session.Ref) *wait.Place {
	if c := t.Session(who); c != nil {
		return &c.Place
	}
	return nil
}

// ByID returns the session of a connected client.
func (t *Table) ByID(id uint32) *Session { return t.clients[id] }

// All yields the sessions of connected clients. They may be closed meanwhile.
func (t *Table) All(yield func(*Session) bool) {
	for _, c := range t.clients {
		if c != nil && !yield(c) {
			return
		}
	}
}

// Clients is the number of connected clients.
func (t *Table) Clients() int { return t.open }

// Places is how many IDs clients have had at once.
func (t *Table) Places() int { return len(t.clients) }

// Take lets a session run that was woken. It returns nil when it has left, or waits again.
func (t *Table) Take(who session.Ref) *Session {
	c := t.Session(who)
	if c == nil || !c.Place.Take() {
		return nil
	}
	c.Reason = wait.Running
	t.x.waiting.Release(&c.Place)
	return c
}

// ClientBytes returns the bytes to write to a client next; empty when there are none. They are valid until the next
// call of any method.
func (t *Table) ClientBytes(id uint32) []byte {
	c := t.clients[id]
	if c == nil {
		return nil
	}
	c.due = notDue
	return c.Output.Bytes()
}

// ClientWrote records that the kernel took n bytes.
func (t *Table) ClientWrote(id uint32, n int) {
	c := t.clients[id]
	if c == nil {
		return
	}
	c.Output.Wrote(t.x.blocks, n)
	c.tookAt = t.x.clock.Now
	t.x.totals.ClientOutBytes += uint64(n)
	t.x.drained(c)
}

// ClientClosed records that a client has left. What it sent and was not begun is forgotten.
func (t *Table) ClientClosed(id uint32) {
	if c := t.clients[id]; c != nil {
		t.forget(c, session.ClientLeft)
		return
	}
	// It left in the moment in which it was to be closed.
	t.outs.CloseClients = slices.DeleteFunc(t.outs.CloseClients, func(closing uint32) bool { return closing == id })
}

// Idle reports whether nothing is to be done for clients.
func (t *Table) Idle() bool { return t.outs.empty() }

// Turn returns what the round has brought for clients.
func (t *Table) Turn() *ClientOut {
	t.outs, t.given = t.given, t.outs
	t.outs.Clients, t.outs.CloseClients, t.outs.ReadClients = t.outs.Clients[:0], t.outs.CloseClients[:0],
		t.outs.ReadClients[:0]
	// The number of a client that left is free when the loop has closed the connection: until then an event of the old
	// one must not be taken for one of the new.
	t.free = append(t.free, t.freed[1]...)
	t.freed[0], t.freed[1] = t.freed[1][:0], t.freed[0]
	return &t.given
}

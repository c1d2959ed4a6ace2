package sessions

import (
	"cmp"
	"slices"

	"evergate/gateway/account"
	"evergate/gateway/upstream"
)

// Past the bound of all memory (account.Memory) the clients for which most is kept are closed, as Redis does
// (maxmemory-clients): a new one with a large request among them. Past the bound of a user those of its clients are.
//
// Counted are buffers: unread input, a transaction, requests to retry, replies and messages, and what TLS has
// encrypted ahead; and the names of channels, and of the client itself. Of the requests that were passed on to a server
// those on a dedicated connection are: it is closed with its client. So is a long one, which has a shared connection to
// itself: that is closed with a client that is evicted. The others are not, since closing their client does not free
// them: a connection has a bound for these.

// Memory counts what is kept for clients.
type Memory struct {
	x *Sessions
	account.Memory
	largest []*Session // scratch
	// users are the bounds of single users, exceeding those of them that may be exceeded.
	users, exceeding []*UserMemory
}

// UserMemory bounds what is kept for the clients of one user. All that have the user share it in a worker.
type UserMemory struct {
	account.Memory
	listed bool // it is one of Memory.exceeding
}

// BoundUser begins to bound what is kept for the clients of a user, see Terms.Memory.
func (m *Memory) BoundUser(b account.Bound) *UserMemory {
	u := &UserMemory{Memory: account.New(b)}
	m.users = append(m.users, u)
	return u
}

// ReplaceTerms gives all sessions other terms. begin begins the bounds of users with BoundUser, in place of all that
// there are, and returns what has the terms of each session.
func (m *Memory) ReplaceTerms(begin func() (of func(c *Session) *Terms)) {
	old := m.users
	m.users = nil
	of := begin()
	for c := range m.x.All {
		m.x.SetTerms(c, of(c))
		m.x.watchSoft(c, c.heldBytes())
	}
	for _, u := range old {
		u.Share() // that nothing is kept there any more
	}
	m.exceeding = nil
	for _, u := range m.users {
		u.listed = false
		u.Share()
		m.takeOf(u, 0)
	}
}

// MemoryExceeded records that another worker found a bound exceeded: that of all clients, or of a user.
func (m *Memory) MemoryExceeded() {
	m.Memory.MemoryExceeded()
	for _, u := range m.users {
		u.MemoryExceeded()
		m.takeOf(u, 0)
	}
}

// takeOf counts more bytes for the clients of a user; u may be nil.
func (m *Memory) takeOf(u *UserMemory, more int) {
	if u == nil {
		return
	}
	if u.Take(more); u.Exceeded() && !u.listed {
		u.listed = true
		m.exceeding = append(m.exceeding, u)
	}
}

// memory is how many bytes are kept for a client, as far as they count. Nothing counts for one that asked not to be
// evicted, nor for a replica that is fed through a tunnel: as in Redis neither is closed for it.
func (c *Session) memory() int {
	if c.closed || c.NoEvict || c.InTunnel() {
		return 0
	}
	n := c.Conn.Memory() + c.Identity.Memory()
	if c.Multi != nil {
		n += c.Multi.Memory()
	}
	if c.rare != &c.Service.none {
		n += c.pushes.Cap() + c.withheld.size() + c.unconfirmed + c.retryBytes + c.sealed
		if c.sentLong {
			n += c.long()
		}
		if c.dedicated != nil {
			n += c.dedicated.Queue.Held()
		}
		if c.Subs != nil {
			n += c.Subs.Memory()
		}
	}
	return n
}

// long is how many bytes shared connections hold because of a long request of the session.
func (c *Session) long() (n int) {
	for i := range c.inFlight { // after a redirection two shards may share one connection
		if i == 0 || c.inFlight[i].conn != c.inFlight[i-1].conn {
			n += c.inFlight[i].conn.HoldsLong(c.Ref)
		}
	}
	return n
}

// Account counts what is kept for a client. It is called wherever that may have changed, at the latest when a call of
// the worker ends.
func (m *Memory) Account(c *Session) {
	more := c.SetFootprint(c.memory())
	if more == 0 {
		return
	}
	m.Take(more)
	m.takeOf(c.terms.Memory, more)
}

// AccountOwner is Account for the client that a dedicated connection serves; it does nothing for any other connection.
func (m *Memory) AccountOwner(l *upstream.Conn) {
	if c := m.x.Session(l.Owner); l.Owned && c != nil {
		m.Account(c)
	}
}

// Sealed records that the loop keeps n bytes for a client that it has encrypted and not sent.
func (m *Memory) Sealed(id uint32, n int) {
	if c := m.x.ByID(id); c != nil && c.sealed != n {
		c.own().sealed = n
		m.Account(c)
	}
}

// Evict closes the largest clients while a bound is exceeded, and reports whether it looked for any.
func (m *Memory) Evict() (looked bool) {
	for len(m.exceeding) > 0 {
		last := len(m.exceeding) - 1
		u := m.exceeding[last]
		m.exceeding, u.listed = m.exceeding[:last], false
		looked = m.evict(&u.Memory, u) || looked
	}
	return m.evict(&m.Memory, nil) || looked
}

// evict does so for one bound: that of a user, or of all where of is nil.
func (m *Memory) evict(bound *account.Memory, of *UserMemory) (looked bool) {
	if !bound.MustFree() {
		return false
	}
	m.findLargest(of)
	for _, c := range m.largest {
		if bound.Enough() {
			break
		}
		m.x.evicted(c, of != nil)
	}
	clear(m.largest)
	bound.Freed()
	return true
}

// findLargest puts the clients for which something is kept, those of a user or all, in the order in which they are
// closed: the largest first, and of equals the one that came last.
func (m *Memory) findLargest(of *UserMemory) {
	m.largest = m.largest[:0]
	for c := range m.x.All {
		if c.Footprint() > 0 && (of == nil || c.terms.Memory == of) {
			m.largest = append(m.largest, c)
		}
	}
	slices.SortFunc(m.largest, func(a, b *Session) int {
		return cmp.Or(cmp.Compare(b.Footprint(), a.Footprint()), cmp.Compare(b.Number, a.Number))
	})
}

package sessions

import (
	"evergate/gateway/access"
	"evergate/gateway/acks"
	"evergate/gateway/session"
)

// Terms are what is set for the clients of a listener, or for those of a user there. They never change.
type Terms struct {
	Hold session.Hold
	// Reading is where and how reads are served.
	Reading session.Reading
	// Acks is how writes are confirmed. Its Timeout is set in any case: a client may set the level for itself.
	Acks acks.Terms
	// Databases are those that clients may use; nil: all.
	Databases []int32
	// Output bounds the replies and messages that are kept for a client. Push bounds what may be unwritten after a message
	// was added to its output. A client that exceeds one of them is closed.
	Output, Push OutputLimit
	// Memory bounds what is kept for all clients of the user; nil: it has no bound of its own.
	Memory *UserMemory
}

// ownAcks is what a session has set for itself of how its writes are confirmed.
type ownAcks struct {
	set   bool
	level acks.Level
}

// login is as whom a client has authenticated, and what is set for that user at its listener.
type login struct {
	// User is the client's user; nil until it has authenticated.
	User  *access.User
	terms *Terms
}

// Become makes the client a user; nil: it must authenticate.
func (l *login) Become(user *access.User) { l.User = user }

// Terms returns what is set for the client; it is not changed.
func (l *login) Terms() *Terms { return l.terms }

// SetTerms sets what is set for a client. What is kept for it counts for its user from now on.
func (x *Sessions) SetTerms(c *Session, terms *Terms) {
	if was := c.terms.Memory; was != terms.Memory {
		x.takeOf(was, -c.Footprint())
		x.takeOf(terms.Memory, c.Footprint())
	}
	c.terms = terms
	c.choose()
}

// Reading is where and how reads of the client are served; it is not changed.
func (c *Session) Reading() *session.Reading {
	if c.reading != nil {
		return c.reading
	}
	return &c.terms.Reading
}

// Chosen is what the client has chosen of that.
func (r *rare) Chosen() session.Chosen { return r.chosen }

// Choose takes what the client has chosen.
func (c *Session) Choose(chosen session.Chosen) {
	if chosen != c.chosen {
		c.own().chosen = chosen
	}
	c.choose()
}

func (c *Session) choose() {
	switch {
	case c.chosen != (session.Chosen{}):
		own := c.chosen.Over(c.terms.Reading)
		if c.reading = &own; !own.OnPrimary() {
			c.Service.UseReplicas()
		}
	case c.reading != nil:
		c.reading = nil
	}
}

// IsStranger reports whether the client has not authenticated, and must.
func (c *Session) IsStranger() bool { return c.User == nil && c.Service.closed }

// Rights returns the user whose rights the client has: nobody's until it has authenticated.
func (l *login) Rights() *access.User {
	if l.User == nil {
		return access.Nobody
	}
	return l.User
}

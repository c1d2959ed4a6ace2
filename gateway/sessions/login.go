package sessions

import (
	"evergate/gateway/access"
	"evergate/gateway/session"
)

// login is as whom a client has authenticated, and what is set for that user at its listener.
type login struct {
	// User is the client's user; nil until it has authenticated.
	User  *access.User
	terms *session.Terms
}

// Become makes the client a user; nil: it must authenticate.
func (l *login) Become(user *access.User) { l.User = user }

// Terms returns what is set for the client; it is not changed.
func (l *login) Terms() *session.Terms { return l.terms }

// Set sets what is set for the client.
func (l *login) Set(terms *session.Terms) { l.terms = terms }

// IsStranger reports whether the client has not authenticated, and must.
func (c *Session) IsStranger() bool { return c.User == nil && c.Service.closed }

// Rights returns the user whose rights the client has: nobody's until it has authenticated.
func (l *login) Rights() *access.User {
	if l.User == nil {
		return access.Nobody
	}
	return l.User
}

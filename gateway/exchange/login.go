package exchange

import "evergate/gateway/access"

// login is as whom a client has authenticated.
type login struct {
	// User is the client's user; nil until it has authenticated.
	User *access.User
}

// Become makes the client a user; nil: it must authenticate.
func (l *login) Become(user *access.User) { l.User = user }

// IsStranger reports whether the client has not authenticated, and must.
func (c *Session) IsStranger() bool { return c.User == nil && c.Service.closed }

// Rights returns the user whose rights the client has: nobody's until it has authenticated.
func (l *login) Rights() *access.User {
	if l.User == nil {
		return access.Nobody
	}
	return l.User
}

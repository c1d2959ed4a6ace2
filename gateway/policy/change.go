package policy

import (
	"evergate/gateway/access"
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
)

// SetUsers takes the new users of a service. As at a server after ACL LOAD a client stays connected, with the new
// rights of its user; what it has queued is checked anew. It is closed if its user is gone, or may not listen any more
// to what the client is subscribed to.
func (p *Policy) SetUsers(s *sessions.Service, users *access.Users) {
	s.SetUsers(users)
	for c := range p.x.All {
		switch users := users.At(int(c.Listener)); {
		case c.Service != s:
		case c.User == nil:
			p.Initial(c, users)
		default:
			p.renew(c, users.Lookup(c.User.Name()))
		}
	}
}

// Become makes a client a user; nil: it must authenticate. It returns false, and the client stays what it is, if the
// user has as many clients as it may have.
func (p *Policy) Become(c *sessions.Session, user *access.User) (ok bool) {
	if !p.conf.Counts(c, user) {
		return false
	}
	c.Become(user)
	return true
}

// Initial makes a client what it is before it authenticates: the default user where that needs no password and admits
// it. It returns false, and the client is nobody, if that user has as many clients as it may have.
func (p *Policy) Initial(c *sessions.Session, users *access.Users) (ok bool) {
	user := users.Initial()
	if user != nil && !p.Comes(c, user) {
		user = nil
	}
	if p.Become(c, user) {
		return true
	}
	p.Become(c, nil)
	return false
}

// Comes reports whether a client may be a user, as far as where it comes from is concerned.
func (p *Policy) Comes(c *sessions.Session, user *access.User) bool {
	return p.conf.Comes == nil || p.conf.Comes(c.Service.Of, user.Name(), c.Remote)
}

func (p *Policy) renew(c *sessions.Session, user *access.User) {
	if user == nil || !p.conf.MayListen(c, user) {
		p.x.EndBlocked(c, session.UserGone)
		return
	}
	p.Become(c, user) // it counts for the same name
	if c.Multi != nil && !p.mayExecute(c) {
		c.Multi.Abort()
	}
}

// mayExecute reports whether a client may still do all that it has queued.
func (p *Policy) mayExecute(c *sessions.Session) bool {
	at, placeholders := -1, c.Multi.Placeholders // MULTI comes first
	for args := range resp.Commands(c.Multi.Body, p.conf.Limits) {
		if len(placeholders) > 0 && placeholders[0].At == at {
			args, placeholders = placeholders[0].Args, placeholders[1:]
		}
		at++
		command := c.Service.Catalog.Row(args)
		if command == nil {
			return false
		}
		if permit, _ := p.Check(c, command, args); !permit.Covers(command) {
			return false
		}
	}
	return true
}

package policy

import (
	"time"

	"evergate/gateway/access"
	"evergate/gateway/local"
	"evergate/gateway/sessions"
	"evergate/gateway/wait"
	"evergate/routing"
)

// A client whose address has sent many wrong passwords waits before the next one is looked at, be it right or wrong:
// the time would tell otherwise. How long is decided for all workers together, see Config.Delay.

// Slows blocks a session whose attempt to authenticate must wait, and reports whether it did.
func (p *Policy) Slows(c *sessions.Session, command *routing.Command, args [][]byte) bool {
	all := local.Presented(command, args)
	if all == nil {
		return false
	}
	at, waits := p.slowed[c.Ref]
	if !waits {
		delay := time.Duration(0)
		for _, as := range all {
			delay = max(delay, p.conf.Delay(c.Service.Of, c.Remote, p.known(c, as.User())))
		}
		if delay <= 0 {
			return false
		}
		at = p.clock.Now + delay
		p.slowed[c.Ref] = at
	}
	if p.clock.Now >= at {
		delete(p.slowed, c.Ref)
		return false
	}
	p.x.Block(c, wait.Slowed)
	p.clock.Alarm(c.Ref, &c.Place, at)
	return true
}

// Left forgets a session that was closed.
func (p *Policy) Left(c *sessions.Session) {
	delete(p.slowed, c.Ref)
	p.Forget(c)
}

// Slowed returns until when the attempt of a session waits; 0 for one that does not. Tests call it.
func (p *Policy) Slowed(c *sessions.Session) time.Duration { return p.slowed[c.Ref] }

// known is the name of a user, or empty where there is none of that name.
func (p *Policy) known(c *sessions.Session, name string) string {
	if c.Service.Lazy && p.conf.Seen(c.Service.Of, name) || c.Service.UsersAt(c.Listener).Lookup(name) != nil {
		return name
	}
	return ""
}

// WrongPassword notes that a command failed to authenticate a client as a user.
func (p *Policy) WrongPassword(c *sessions.Session, command, user []byte) {
	p.conf.Failed(c.Service.Of, c.Remote, p.known(c, string(user)))
	p.auditFailure(c, command, user)
	p.note(c, access.Auth, access.TopLevel, string(command), string(user))
}

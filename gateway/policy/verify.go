package policy

import (
	"bytes"
	"time"

	"evergate/gateway/local"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
	"evergate/gateway/wait"
	"evergate/routing"
)

// Where the servers decide who a client is, each AUTH is put to one of them, as a client of its own would: a password
// that was changed there counts at once. Meanwhile the client's session is blocked; its command is decided again with
// the verdict. Whether a client may do without credentials is remembered for a moment, since each command of a client
// that has none depends on it.

// strangerFor is how long a verdict about clients without credentials is believed.
const strangerFor = time.Second

// Verification is a question to any server of a service.
type Verification struct {
	Service int
	// Client is the one that waits for the answer; it means nothing where Ahead says that none does.
	Client session.Ref
	Ahead  bool
	As     session.Credentials
	// Patience is how long the answer may wait for a server that can be reached.
	Patience time.Duration
}

// stranger is the verdict about clients without credentials: nil if they are let in.
type stranger struct {
	wrong []byte
	at    time.Duration
}

// Verifies blocks a session until a server has said whether the credentials of its command are right, one after the
// other, and reports whether it did.
func (p *Policy) Verifies(c *sessions.Session, command *routing.Command, args [][]byte) bool {
	for _, as := range local.Presented(command, args) {
		switch wrong, known := p.verdicts[c.Ref][as]; {
		case !known:
			p.verify(c, as)
			return true
		case wrong != nil:
			return false // the options behind it have no effect
		}
	}
	return false
}

// Verified reports whether the servers have been asked about the command of a session.
func (p *Policy) Verified(c *sessions.Session) bool { return len(p.verdicts[c.Ref]) > 0 }

// Verdict returns a server's error for credentials of the command of a session, nil if they are right. What no server
// was asked about is wrong.
func (p *Policy) Verdict(c *sessions.Session, as session.Credentials) []byte {
	if wrong, known := p.verdicts[c.Ref][as]; known {
		return wrong
	}
	return local.WrongPass
}

// Forget forgets the verdicts on the command of a session, which is done.
func (p *Policy) Forget(c *sessions.Session) { delete(p.verdicts, c.Ref) }

// Stranger returns a server's error for clients without credentials, nil if they are let in. blocked: a server is asked
// first.
func (p *Policy) Stranger(c *sessions.Session) (wrong []byte, blocked bool) {
	if wrong, known := p.verdicts[c.Ref][session.Credentials{}]; known {
		p.Forget(c)
		return wrong, false
	}
	s, known := p.strangers[c.Service.Of]
	if !known || p.clock.Now-s.at >= strangerFor {
		p.verify(c, session.Credentials{})
		return nil, true
	}
	return s.wrong, false
}

// Meet has a server asked about clients without credentials when the first client comes: from those that must
// authenticate less is taken, and not for ever.
func (p *Policy) Meet(c *sessions.Session) {
	if _, asked := p.strangers[c.Service.Of]; !asked && c.Service.Lazy {
		p.strangers[c.Service.Of] = stranger{at: p.clock.Now - strangerFor} // too old to be believed
		p.conf.Verify(Verification{Service: c.Service.Of, Ahead: true, Patience: c.Patience()})
	}
}

// verify asks, and blocks the session until the answer.
func (p *Policy) verify(c *sessions.Session, as session.Credentials) {
	p.x.Block(c, wait.Asking)
	if !c.AwaitsAdmin {
		c.AwaitAdmin()
		p.conf.Verify(Verification{Service: c.Service.Of, Client: c.Ref, As: as, Patience: c.Patience()})
	}
}

// TakeVerdict takes a server's answer: its error, or nil.
func (p *Policy) TakeVerdict(v *Verification, wrong []byte) {
	switch {
	case !v.As.None():
	case bytes.HasPrefix(wrong, []byte("-LOADING")): // no verdict
		delete(p.strangers, v.Service)
	default:
		p.strangers[v.Service] = stranger{wrong, p.clock.Now}
		p.x.Service(v.Service).Close(wrong != nil)
	}
	if v.Ahead {
		return
	}
	c := p.x.Session(v.Client)
	if c == nil {
		return
	}
	if p.verdicts[c.Ref] == nil {
		p.verdicts[c.Ref] = map[session.Credentials][]byte{}
	}
	p.verdicts[c.Ref][v.As] = wrong
	c.AdminAnswered()
	p.x.Wake(c)
	p.x.CloseIfDone(c)
}

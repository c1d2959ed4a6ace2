// Package policy holds clients to the rights of their users: it checks requests (policy.go), answers ACL about the
// users of the gateway (acl.go), takes new users (change.go), slows those who guess passwords (slow.go), has servers
// say who a client is where they decide that (verify.go), and notes what was denied and what is dangerous (audit.go).
//
// Begin with Policy.Check.
//
// What rules mean is package access's knowledge. When a request is checked, and how a rejection is answered, is the
// worker's.
package policy

import (
	"time"

	"evergate/gateway/access"
	"evergate/gateway/exchange"
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
	"evergate/gateway/wait"
	"evergate/routing"
)

// Config is what a Policy needs. All fields but Audit are required.
type Config struct {
	Exchange *exchange.Exchange
	Clock    *wait.Clock
	Limits   *resp.Limits
	// WallClock returns the time of day; Random fills its argument with random bytes that nobody can guess.
	WallClock func() time.Time
	Random    func([]byte)
	// Line returns a client's line of CLIENT LIST.
	Line func(c *sessions.Session) []byte
	// Comes reports whether a user admits clients from an address. Nil: every user does.
	Comes func(service int, user, remote string) bool
	// Counts counts a client for the user that it becomes, nil for none. It returns false if the user has as many as it
	// may have.
	Counts func(c *sessions.Session, user *access.User) bool
	// MayListen reports whether a user may listen to all that a session is subscribed to.
	MayListen func(c *sessions.Session, user *access.User) bool
	// Delay returns how long an attempt of an address to authenticate as a user must wait, Failed counts one whose
	// password was wrong. user is empty where there is none of that name.
	Delay  func(service int, remote, user string) time.Duration
	Failed func(service int, remote, user string)
	// Verify has a server asked about credentials; the answer comes through Verified. Seen reports whether a user of this
	// name is connected. They are used where the servers decide who a client is.
	Verify func(v Verification)
	Seen   func(service int, user string) bool
	// Audit notes an entry of the audit log. It is nil where there is none, see SetAudits.
	Audit func(e Event)
	// Denied notes an entry of ACL LOG, Denials returns those of a service, newest first, and Forget forgets them.
	Denied  func(service int, e access.Entry)
	Denials func(service int) []access.Entry
	Forget  func(service int)
}

// Policy checks the requests of the sessions of an exchange. New makes it.
type Policy struct {
	x     *exchange.Exchange
	clock *wait.Clock
	conf  Config
	// slowed has until when attempts to authenticate wait.
	slowed map[session.Ref]time.Duration
	// verdicts are what servers said about the credentials of the commands under way, strangers about clients that have
	// none, by service.
	verdicts  map[session.Ref]map[session.Credentials][]byte
	strangers map[int]stranger
	audits    bool // Config.Audit is called
}

// New makes a Policy.
func New(conf Config) *Policy {
	return &Policy{x: conf.Exchange, clock: conf.Clock, conf: conf, slowed: map[session.Ref]time.Duration{},
		verdicts: map[session.Ref]map[session.Credentials][]byte{}, strangers: map[int]stranger{},
		audits: conf.Audit != nil}
}

// SetAudits turns the audit log on or off.
func (p *Policy) SetAudits(on bool) { p.audits = on && p.conf.Audit != nil }

// Check decides whether a session's user may make a request. If only a server knows the keys, they are those that one
// reported; the reason is KeysUnknown if none has.
func (p *Policy) Check(c *sessions.Session, command *routing.Command, args [][]byte) (access.Permit, access.Denial) {
	permit, denied := c.Rights().Check(command, args, nil)
	if denied.Reason == access.KeysUnknown {
		if keys := c.Service.Catalog.Keys(args); keys != nil {
			permit, denied = c.Rights().Check(command, args, keys)
		}
	}
	if permit.Covers(command) && command.ArityFits(len(args)) {
		if denied = inDatabases(c, command, args); denied.Reason != access.Allowed {
			permit = access.Permit{}
		}
	}
	return permit, denied
}

// Deny notes that a request is denied, and returns the error for the client.
func (p *Policy) Deny(c *sessions.Session, command *routing.Command, args [][]byte, denied access.Denial) []byte {
	p.auditDenied(c, command, args, denied)
	phase := access.TopLevel
	if c.Multi != nil {
		phase = access.InMulti
	}
	p.note(c, denied.Reason, phase, denied.ObjectOf(command.Name), c.Rights().Name())
	return denied.AppendError(nil, c.Rights(), command)
}

// note writes an entry of ACL LOG.
func (p *Policy) note(c *sessions.Session, why access.Reason, phase access.Phase, object, user string) {
	if !c.Service.UsersAt(c.Listener).Defined() || !why.Logged() {
		return
	}
	line := p.conf.Line(c)
	p.conf.Denied(c.Service.Of, access.Entry{
		Reason: why, Phase: phase, Object: object, User: user, Client: string(line[:len(line)-1]),
		Updated: p.conf.WallClock().UnixMilli(),
	})
}

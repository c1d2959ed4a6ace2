package policy

import (
	"strconv"
	"time"
	"unicode/utf8"

	"evergate/gateway/access"
	"evergate/gateway/resp"
	"evergate/gateway/sessions"
	"evergate/routing"
)

// What an Event says was done with a command.
const (
	Denied     = "denied"
	Allowed    = "allowed" // and sent to a server, or answered here; whether it succeeded is not noted
	Queued     = "queued"  // in a transaction
	AuthFailed = "auth-failed"
)

const (
	// eventKeys is how many keys of a command are noted, eventKeyBytes how many bytes of each.
	eventKeys     = 16
	eventKeyBytes = 256
)

// Event is an entry of the audit log: a command that was denied, or a dangerous one that was not. It has no value.
type Event struct {
	Time    time.Time `json:"time"`
	Service string    `json:"service"`
	Event   string    `json:"event"`
	User    string    `json:"user"`
	Client  string    `json:"client"`
	ID      int64     `json:"id"`
	Command string    `json:"command"`
	Keys    []string  `json:"keys,omitempty"`
	// Reason is why it was denied, Object the key or channel.
	Reason string `json:"reason,omitempty"`
	Object string `json:"object,omitempty"`
}

// Audits reports whether a command is noted that is allowed.
func (p *Policy) Audits(command *routing.Command) bool {
	return p.audits && command != nil && access.Dangerous(command)
}

// Audit notes that a command was allowed or queued.
func (p *Policy) Audit(c *sessions.Session, what string, command *routing.Command, args [][]byte) {
	p.conf.Audit(p.event(c, what, command, args))
}

// auditDenied notes that a command was denied.
func (p *Policy) auditDenied(c *sessions.Session, command *routing.Command, args [][]byte, denied access.Denial) {
	if !p.audits {
		return
	}
	e := p.event(c, Denied, command, args)
	if e.Reason = denied.Reason.String(); e.Reason == "" {
		e.Reason = access.Key.String() // of SORT, or one that only a server can find
	}
	if denied.Object != nil {
		e.Object = readable(denied.Object)
	}
	p.conf.Audit(e)
}

// auditFailure notes that a client failed to authenticate as a user.
func (p *Policy) auditFailure(c *sessions.Session, command, user []byte) {
	if !p.audits {
		return
	}
	e := p.event(c, AuthFailed, nil, nil)
	e.Command, e.User = readable(command), readable(user)
	p.conf.Audit(e)
}

func (p *Policy) event(c *sessions.Session, what string, command *routing.Command, args [][]byte) Event {
	e := Event{Time: p.conf.WallClock(), Service: c.Service.Name, Event: what, User: c.Rights().Name(), Client: c.Remote,
		ID: c.Number}
	if command == nil {
		return e
	}
	e.Command = command.Name
	keys, _ := command.AccessedKeys(args, nil)
	for _, k := range keys[:min(len(keys), eventKeys)] {
		e.Keys = append(e.Keys, readable(args[k.At]))
	}
	return e
}

// readable returns a word as text: escaped if it is not valid, and cut.
func readable(word []byte) string {
	word = resp.Cut(word, eventKeyBytes)
	if utf8.Valid(word) {
		return string(word)
	}
	quoted := strconv.QuoteToASCII(string(word))
	return quoted[1 : len(quoted)-1]
}

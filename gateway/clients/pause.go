package clients

import (
	"evergate/gateway/admin"
	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/sessions"
	"evergate/gateway/wait"
	"evergate/routing"
)

// CLIENT PAUSE has the clients of a service wait, all of them or those that write, whichever worker they belong to.
// What was sent before is answered; the servers know nothing of it.

// Pause begins a pause, or makes the one under way longer or stricter: never the other way round.
func (k *Clients) Pause(r *admin.Request) {
	for _, service := range r.Services {
		p := &k.pauses[service]
		if k.clock.Now >= p.until {
			p.all = false
		}
		p.all = p.all || r.PauseAll
		p.until = max(p.until, k.clock.Now+r.Pause)
		k.latest = max(k.latest, p.until)
		k.x.Service(service).Catalog.ForgetFunctions() // they may have changed since the last one
	}
}

func (k *Clients) Unpause(r *admin.Request) {
	for _, service := range r.Services {
		k.pauses[service] = interval{}
	}
	for c := range k.x.All {
		if c.Reason == wait.Paused && r.Concerns(c.Service.Of) {
			k.x.Wake(c)
		}
	}
}

// Pausing reports whether a pause of any service is under way.
func (k *Clients) Pausing() bool { return k.clock.Now < k.latest }

// Paused blocks a session whose command must wait for the end of a pause.
func (k *Clients) Paused(c *sessions.Session, command *routing.Command, args [][]byte) bool {
	p := &k.pauses[c.Service.Of]
	if k.clock.Now >= p.until || c.Multi == nil && whilePaused(command) {
		return false
	}
	if !p.all {
		if writes, blocked := k.conf.MayWrite(c, command, args); blocked || !writes {
			return blocked
		}
	}
	k.block(c)
	return true
}

// whilePaused names what is done in every pause: what ends it, and what client libraries say of themselves before
// that. So a pause for ever is over when somebody who connects now wants it.
func whilePaused(c *routing.Command) bool { return c != nil && c.Has(routing.WhilePaused) }

// PausedRetry is Paused for a request to retry: a pause may have begun since it was sent.
func (k *Clients) PausedRetry(c *sessions.Session, a *retry.Entry) bool {
	p := &k.pauses[c.Service.Of]
	if k.clock.Now >= p.until {
		return false
	}
	if !p.all {
		k.args = resp.Args(a.Frame, k.args[:0])
		command, writes := routing.Lookup(k.args), !a.Read
		if command != nil && !command.Has(routing.Transaction) {
			writes = command.MayReplicate()
		}
		if !writes {
			return false
		}
	}
	k.block(c)
	return true
}

// block blocks a session until the end of a pause.
func (k *Clients) block(c *sessions.Session) {
	k.x.Resumed(c) // it waits for no server any more
	k.x.ReleaseUnused(c)
	k.x.Block(c, wait.Paused)
	k.clock.Alarm(c.Ref, &c.Place, k.pauses[c.Service.Of].until)
}

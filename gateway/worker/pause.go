package worker

import (
	"evergate/gateway/admin"
	"evergate/gateway/exchange"
	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/wait"
	"evergate/routing"
)

// CLIENT PAUSE has the clients of a service wait, all of them or those that write, whichever worker they belong to.
// What was sent before is answered; the servers know nothing of it.

// pauseClients begins a pause, or makes the one under way longer or stricter: never the other way round.
func (w *Worker) pauseClients(r *admin.Request) {
	for _, part := range r.Services {
		s := w.services[part]
		if w.clock.Now >= s.pausedUntil {
			s.pausesAll = false
		}
		s.pausesAll = s.pausesAll || r.PauseAll
		s.pausedUntil = max(s.pausedUntil, w.clock.Now+r.Pause)
		s.Catalog.ForgetFunctions() // they may have changed since the last one
	}
}

func (w *Worker) unpauseClients(r *admin.Request) {
	for _, part := range r.Services {
		w.services[part].pausedUntil, w.services[part].pausesAll = 0, false
	}
	for c := range w.x.All {
		if c.Reason == wait.Paused && r.Concerns(c.Service.Index) {
			w.x.Wake(c)
		}
	}
}

// paused parks a session whose command must wait for the end of a pause.
func (w *Worker) paused(c *exchange.Session, command *routing.Command, args [][]byte) bool {
	s := w.service(c)
	if w.clock.Now >= s.pausedUntil || c.Multi == nil && getsIn(command) {
		return false
	}
	if !s.pausesAll {
		switch w.mayWrite(c, command, args) {
		case no:
			return false
		case beingAsked:
			return true
		}
	}
	w.pause(c)
	return true
}

// getsIn names what is done in every pause: what ends it, and what client libraries say of themselves before that. So a
// pause for ever is over when somebody who connects now wants it.
func getsIn(c *routing.Command) bool { return c != nil && c.Has(routing.WhilePaused) }

// pausedRetry is postponed for a request to retry: a pause may have begun since it was sent.
func (w *Worker) pausedRetry(c *exchange.Session, a *retry.Entry) bool {
	s := w.service(c)
	if w.clock.Now >= s.pausedUntil {
		return false
	}
	if !s.pausesAll {
		w.args = resp.Args(a.Frame, w.args[:0])
		command, writes := routing.Lookup(w.args), !a.Read
		if command != nil && !command.Has(routing.Transaction) {
			writes = command.MayReplicate()
		}
		if !writes {
			return false
		}
	}
	w.pause(c)
	return true
}

// pause parks a session until the end of a pause.
func (w *Worker) pause(c *exchange.Session) {
	w.x.Resumed(c) // it waits for no server any more
	w.x.ReleaseUnused(c)
	w.x.Block(c, wait.Paused)
	w.clock.Alarm(c.Ref, &c.Place, w.service(c).pausedUntil)
}

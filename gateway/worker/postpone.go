package worker

import (
	"math"
	"time"

	"evergate/gateway/resp"
	"evergate/gateway/wait"
	"evergate/routing"
)

// CLIENT PAUSE has the clients of a service wait, all of them or those that write, whichever worker they belong to.
// What was sent before is answered; the servers know nothing of it.

var (
	lateTimeout  = []byte("-ERR timeout is out of range\r\n") // it would end after the last time that there is
	badPauseMode = []byte("-ERR CLIENT PAUSE mode must be WRITE or ALL\r\n")
)

// pauseErrand reads CLIENT PAUSE milliseconds [WRITE|ALL].
func pauseErrand(args [][]byte, now time.Time) (e Errand, wrong []byte) {
	e = Errand{Kind: PauseClients, PauseAll: true}
	if len(args) > 4 {
		return e, wrongWords(args)
	}
	if len(args) == 4 && resp.IsWord(args[3], "write") {
		e.PauseAll = false
	} else if len(args) == 4 && !resp.IsWord(args[3], "all") {
		return e, badPauseMode
	}
	ms, ok := resp.Integer(args[2])
	switch {
	case !ok:
		return e, resp.BadTimeout
	case ms < 0:
		return e, resp.NegativeTimeout
	case ms > math.MaxInt64-now.UnixMilli():
		return e, lateTimeout
	}
	e.Pause = time.Duration(min(ms, int64(forEver/2/time.Millisecond))) * time.Millisecond
	return e, nil
}

// pauseClients begins a pause, or makes the one under way longer or stricter: never the other way round.
func (w *Worker) pauseClients(e *Errand) {
	for _, part := range e.Parts {
		s := w.services[part]
		if w.clock.Now >= s.pausedUntil {
			s.pausesAll = false
		}
		s.pausesAll = s.pausesAll || e.PauseAll
		s.pausedUntil = max(s.pausedUntil, w.clock.Now+e.Pause)
		s.functions = nil // they may have changed since the last one
	}
}

func (w *Worker) unpauseClients(e *Errand) {
	for _, part := range e.Parts {
		w.services[part].pausedUntil, w.services[part].pausesAll = 0, false
	}
	for _, c := range w.clients {
		if c != nil && c.Reason == wait.Postponed && e.concerns(c) {
			w.wake(c)
		}
	}
}

// postponed parks a session whose command must wait for the end of a pause.
func (w *Worker) postponed(c *client, command *routing.Command, args [][]byte) bool {
	s := c.svc
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
	w.postpone(c)
	return true
}

// getsIn names what is done in every pause: what ends it, and what client libraries say of themselves before that. So a
// pause for ever is over when somebody who connects now wants it.
func getsIn(c *routing.Command) bool { return c != nil && c.Has(routing.WhilePaused) }

// postponedAgain is postponed for what must be done again: a pause may have begun since it was sent.
func (w *Worker) postponedAgain(c *client, a *again) bool {
	s := c.svc
	if w.clock.Now >= s.pausedUntil {
		return false
	}
	if !s.pausesAll {
		w.args = resp.Args(a.frame, w.args[:0])
		command, writes := routing.Lookup(w.args), !a.read
		if command != nil && !command.Has(routing.Transaction) {
			writes = command.MayReplicate()
		}
		if !writes {
			return false
		}
	}
	w.postpone(c)
	return true
}

// postpone parks a session until the end of a pause.
func (w *Worker) postpone(c *client) {
	w.notHeld(c, &w.stats.HoldReleased) // it waits for no server any more
	w.unpinUnused(c)
	w.park(c, wait.Postponed)
	w.clock.Alarm(c.ref, &c.Place, c.svc.pausedUntil)
}

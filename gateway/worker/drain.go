package worker

import (
	"time"

	"evergate/gateway/maintenance"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
	"evergate/gateway/wait"
)

const (
	// justServed is since when a client was served at most, and quietFor for how long it has sent nothing at least, to be
	// closed: its next command is not yet, or not any more, on its way. A command that meets a connection which was just
	// closed is not executed, but many libraries do not send it again.
	justServed = 25 * time.Millisecond
	quietFor   = time.Second
)

// Drain closes the clients between two commands, at most so many in a call: what was begun is finished, nothing more is
// read. It returns how many are left; it must be called again until there are none, within justServed each time. all:
// it closes those as well that stay otherwise.
func (w *Worker) Drain(all bool, most int) int {
	if !all && w.notices.Passing() {
		return w.x.Clients() // some are yet to be asked
	}
	w.drain(func(*sessions.Session) bool { return true }, all, most)
	return w.x.Clients()
}

// DrainEarly closes, as Drain does, the clients that find another gateway when they connect to this one again, which
// accepts them. It must be called again until that ends.
func DrainEarly(w *Worker, most int) {
	if !w.notices.Passing() {
		w.drain(w.notices.Reloads, false, most)
	}
}

// drain does a step of Drain for the clients that leave.
func (w *Worker) drain(leaves func(*sessions.Session) bool, all bool, most int) {
	for c := range w.x.All {
		if most <= 0 {
			break
		}
		switch {
		case !leaves(c):
		case c.Ending || !all && stays(c, w.clock.Now):
		case c.AwaitsBlocking() && !c.Withholds():
			if c.Output.Len() == 0 { // the replies before it are still to be written
				w.x.EndBlocked(c, session.Drained)
				most--
			}
		case mayDrain(c.Reason) && !c.Retrying():
			w.x.End(c, session.Drained)
			most--
		}
	}
}

// stays reports whether a client is to be closed later in a drain, if it has not left by itself: it was asked to move;
// it would have to begin its transaction anew; or it may be sending its next command, or the rest of one.
func stays(c *sessions.Session, now time.Duration) bool {
	if maintenance.Moves(c) || c.Multi != nil || c.Watch.Is() {
		return true
	}
	since := now - c.ActiveAt
	midway := c.Reason == wait.Running && c.Input.Len() > 0 // the rest of a request is on its way
	served := since <= justServed && c.ActiveAt > c.OpenedAt && !midway
	return !served && since < quietFor
}

// mayDrain reports whether nothing of a session is under way that waits for this reason.
func mayDrain(why wait.Reason) bool {
	switch why {
	case wait.Running, wait.Paused, wait.Slowed, wait.RateLimited:
		return true
	}
	return false
}

package worker

import (
	"evergate/gateway/maintenance"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
	"evergate/gateway/wait"
)

// Drain closes the clients between two commands: what was begun is finished, nothing more is read. It returns how many
// are left; it must be called again until there are none. all: it closes those as well that were asked to move, and
// may still do so, and those in the middle of a transaction or with watched keys, which would have to begin anew.
func (w *Worker) Drain(all bool) int {
	if !all && w.notices.Passing() {
		return w.x.Clients() // some are yet to be asked
	}
	for c := range w.x.All {
		switch {
		case !all && stays(c):
		case c.AwaitsBlocking() && !c.Withholds():
			if c.Output.Len() == 0 { // the replies before it are still to be written
				w.x.Close(c, session.Drained)
			}
		case mayDrain(c.Reason) && !c.Retrying():
			w.x.End(c, session.Drained)
		}
	}
	return w.x.Clients()
}

// stays reports whether a client is to be closed late in a drain, if it has not left by itself.
func stays(c *sessions.Session) bool { return maintenance.Moves(c) || c.Multi != nil || c.Watch.Is() }

// mayDrain reports whether nothing of a session is under way that waits for this reason.
func mayDrain(why wait.Reason) bool {
	switch why {
	case wait.Running, wait.Paused, wait.Slowed, wait.RateLimited:
		return true
	}
	return false
}

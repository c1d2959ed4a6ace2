package exchange

import (
	"time"

	"evergate/gateway/session"
	"evergate/gateway/wait"
)

// endingMax is how long a client that is to be closed, or has half-closed, may go without taking what it is owed.
const endingMax = 30 * time.Second

// sweepEvery is how often clients are looked through for those that are idle.
const sweepEvery = time.Second

// Sweep closes clients that were idle or unauthenticated for too long.
func (x *Exchange) Sweep() {
	if x.conf.IdleMax == 0 && x.conf.AuthMax == 0 && x.endings == 0 || x.open == 0 {
		return
	}
	if x.clock.Now < x.sweepAt {
		x.clock.At(x.sweepAt)
		return
	}
	x.sweepAt = x.clock.Now + sweepEvery
	x.clock.At(x.sweepAt)
	for _, c := range x.clients {
		switch {
		case c == nil:
		case (c.Ending || c.HalfClosed) && x.clock.Now-max(c.ActiveAt, c.tookAt) >= endingMax:
			x.Close(c, c.Why) // session.ClientLeft where it has half-closed
		case !c.Authenticated && x.conf.AuthMax > 0 && x.clock.Now-c.OpenedAt >= x.conf.AuthMax && c.Reason != wait.Paused:
			x.Close(c, session.AuthTimeout)
		case x.conf.IdleMax > 0 && x.clock.Now-max(c.ActiveAt, c.tookAt) >= x.conf.IdleMax && c.idles() && !c.listensOn():
			x.Close(c, session.IdleTimeout)
		}
	}
}

// idles says that the client may be closed for having sent nothing: who listens need not say anything, and who waits
// for the end of a pause has.
func (c *Session) idles() bool {
	return c.Replies.Owed() == 0 && c.Reason != wait.Paused && (c.Listens == nil || !c.Listens.Any())
}

// listensOn reports whether a client is there to be sent things, and may be silent for as long as it likes.
func (c *Session) listensOn() bool { return c.Subscribed() || c.Monitor.Is() }

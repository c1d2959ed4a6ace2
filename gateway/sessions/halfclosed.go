package sessions

import (
	"time"

	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
)

// A client that closes its half of the connection ("printf ... | nc -N") has sent everything and still reads. One that
// dies looks the same, until something is written to it. So all that it sent is executed and answered, whatever the
// session waits for meanwhile, except a server: a session that waits for a primary, for the end of a pause, or within a
// blocking command is closed, from a blocking command when its client has taken the earlier replies. It may have left
// long before the command would run.

// blockedGrace is how long a server may take to answer the blocking command of a client that has half-closed.
const blockedGrace = 50 * time.Millisecond

// GoOnHalfClosed closes a session whose client has half-closed, when all is done or when it waits for what it must not.
func (t *Table) GoOnHalfClosed(c *Session) {
	switch {
	case c.closed || c.Ending:
	case c.AwaitsBlocking():
		at := c.blockedSince + blockedGrace // an element may be there at once
		if t.x.clock.Now >= at {
			if c.Output.Len() == 0 {
				t.Close(c, session.ClientLeft)
				return
			}
			at = t.x.clock.Now + blockedGrace // it has yet to take the replies to what it sent before
		}
		t.askUnblock(c)
		t.x.Block(c, wait.Blocked)
		t.x.clock.Alarm(c.Ref, &c.Place, at)
	case c.Reason == wait.Paused || c.waitsForServer():
		t.Close(c, session.ClientLeft)
	case c.Reason == wait.Running && len(c.retries) == 0:
		t.End(c, session.ClientLeft)
	}
}

// waitsForServer reports whether requests of the session are at a server that is silent or draining, so that its other
// requests may run much later. BlockIn closes a session that has nothing in flight.
func (c *Session) waitsForServer() bool {
	if c.Reason == wait.Running && len(c.retries) == 0 {
		return false // all that the client sent is in flight
	}
	for i := range c.inFlight {
		if l := c.inFlight[i].conn; l.Silent || l.Draining {
			return true
		}
	}
	return c.withheld != nil
}

// EndSilent closes the sessions of half-closed clients that wait for a connection which has fallen silent.
func (t *Table) EndSilent(l *upstream.Conn) {
	for p := range l.Inflight.All {
		if c := t.Session(p.To); c != nil && c.HalfClosed && !c.Ending && c.waitsForServer() {
			t.Close(c, session.ClientLeft)
		}
	}
}

package exchange

import (
	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
)

// A client that closes its half of the connection ("printf ... | nc -N") has said everything and still reads. One that
// dies looks the same, until it is written to. So what was sent before is executed and answered, whatever the session
// waits for meanwhile, but for a server: a session that waits for a primary, for the end of a pause, or within a
// blocking command ends with its client, as nothing may be done then for somebody who may have left long ago.

// GoOnHalfClosed ends a session whose client has half-closed when all has been done, or when it waits for what it may
// not.
func (t *Table) GoOnHalfClosed(c *Session) {
	switch {
	case c.closed || c.Ending:
	case c.IsBlocked():
		at := c.blockedSince + blockedGrace // it may have been sent just now
		if t.x.clock.Now >= at {
			t.Close(c, session.ClientLeft)
			return
		}
		t.x.Block(c, wait.Blocked)
		t.x.clock.Alarm(c.Ref, &c.Place, at)
	case c.Reason == wait.Paused || c.waitsForServer():
		t.Close(c, session.ClientLeft)
	case c.Reason == wait.Running && len(c.retries) == 0:
		t.End(c, session.ClientLeft)
	}
}

// waitsForServer says that what a session has sent is at a server that is silent or is being left, so that the rest may
// run much later. See parkIn for a session that has nothing on its way.
func (c *Session) waitsForServer() bool {
	if c.Reason == wait.Running && len(c.retries) == 0 {
		return false // all of it has been sent
	}
	for i := range c.inFlight {
		if l := c.inFlight[i].conn; l.Silent || l.Draining {
			return true
		}
	}
	return c.withheld != nil
}

// EndSilent ends the sessions whose clients have half-closed and that wait for a connection which has fallen silent.
func (t *Table) EndSilent(l *upstream.Conn) {
	for p := range l.Inflight.All {
		if c := t.Session(p.To); c != nil && c.HalfClosed && !c.Ending && c.waitsForServer() {
			t.Close(c, session.ClientLeft)
		}
	}
}

package sessions

import (
	"time"

	"evergate/gateway/session"
	"evergate/gateway/wait"
)

// A client in a blocking command must not simply be closed by the gateway: its server may have taken an element for it,
// and the reply would reach nobody. So the server is asked to end the command first (CLIENT UNBLOCK, on another
// connection). It replies to the command with UNBLOCKED if it has taken nothing. Then the client is closed without a
// reply, as when a server closes the connection: client libraries send the command again, on another connection. A nil
// would be taken for the end of a timeout, which does not exist in BLPOP key 0. Any other reply is delivered, and the
// client is closed behind it.

// closeWithin is how long a client that is closed by EndBlocked may stay, at least: Sweep looks once in sweepEvery.
const closeWithin = time.Second

// EndBlocked is Close for a client that may be in a blocking command: it is closed behind the reply to that, which may
// have come in this round, or be kept.
func (t *Table) EndBlocked(c *Session, why session.CloseReason) {
	switch {
	case c.closed || c.Ending:
	case c.AwaitsBlocking() && (c.wasServed() || t.askUnblock(c)),
		c.Reason == wait.Running && c.Replies.Owed() == 0 && c.Output.Len() > 0:
		c.own().closeBy = t.x.clock.Now + closeWithin
		t.End(c, why)
	default:
		t.Close(c, why)
	}
}

// wasServed reports whether the server has replied to the blocking command for whose reply the session waits: it is
// withheld, or replicas are yet to confirm it.
func (c *Session) wasServed() bool {
	_, t, _ := c.BlocksOn()
	return t == nil && len(c.retries) == 0
}

// overstays reports whether a client that is closed by EndBlocked has had its time: its server does not answer, or it
// does not read.
func (c *Session) overstays(now time.Duration) bool {
	return c.Ending && c.closeBy > 0 && now >= c.closeBy && (c.AwaitsBlocking() || c.Why != session.Drained)
}

// askUnblock has the server asked, once, to end the blocking command of a session. It returns false where the server
// does not have the command, or cannot be asked.
func (t *Table) askUnblock(c *Session) bool {
	l, p, _ := c.BlocksOn()
	if l == nil || l.Client == 0 || !l.Queue.Sent(p.End) || t.x.conf.Unblock == nil || c.Service.View == nil {
		return false
	}
	n := c.Service.View.Node(l.Key.Node)
	if n == nil {
		return false
	}
	if !c.unblocking {
		c.own().unblocking = true
		l.UseOnce() // UNBLOCK may reach the server late, and must not hit another session on this connection
		t.x.conf.Unblock(c.Service.Of, n.Addr, l.Client)
	}
	return true
}

// Unblocking reports whether the server of a session was asked to end its blocking command, so that the client can be
// closed.
func (r *rare) Unblocking() bool { return r.unblocking }

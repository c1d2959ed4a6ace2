package sessions

import (
	"time"

	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
)

// Dedicated returns the connection that serves this session alone, nil for most.
func (r *rare) Dedicated() *upstream.Conn { return r.dedicated }

// SetDedicated sets the connection that serves a session alone; nil for none.
func (x *Sessions) SetDedicated(c *Session, l *upstream.Conn) {
	if l != nil || c.dedicated != nil {
		c.own().dedicated = l
	}
	x.Account(c)
}

// MayDedicateAt is when the next dedicated connection may be asked for.
func (r *rare) MayDedicateAt() time.Duration { return r.dedicateAt }

// DedicateNotBefore sets that.
func (c *Session) DedicateNotBefore(at time.Duration) { c.own().dedicateAt = at }

// InTunnel reports whether the session's dedicated connection is a tunnel.
func (c *Session) InTunnel() bool { return c.dedicated != nil && c.dedicated.Tunnel }

// BeginBlocking records that a blocking command of the session is being sent, and so waits from now on.
func (x *Sessions) BeginBlocking(c *Session) {
	own := c.own()
	own.blockedSince, own.unblocking = max(x.clock.Now, 1), false
}

// InBlockingCommand reports whether the session has sent a blocking command, and BlockWhileInBlocking has not yet found
// it answered.
func (r *rare) InBlockingCommand() bool { return r.blockedSince > 0 }

// BlockedFor returns for how long the blocking command of the session has waited.
func (c *Session) BlockedFor() time.Duration { return c.Service.x.clock.Now - c.blockedSince }

// AwaitsBlocking reports whether the session waits for the reply to a blocking command.
func (c *Session) AwaitsBlocking() bool {
	return c.blockedSince > 0 && (len(c.inFlight) > 0 || len(c.retries) > 0 || c.withheld != nil)
}

// BlockWhileInBlocking blocks the session while it AwaitsBlocking, and reports whether it did.
func (x *Sessions) BlockWhileInBlocking(c *Session) bool {
	if !c.AwaitsBlocking() {
		c.blockedSince = 0
		return false
	}
	x.Block(c, wait.Blocked)
	return true
}

// SetRound sets the WAIT under way, nil for none.
func (c *Session) SetRound(r *session.Round) {
	if r != nil || c.Round != nil {
		c.own().Round = r
	}
}

// BlocksOn returns the connection on which a server keeps the client waiting, the pending request, and the offset at
// which its frame begins; nil when there is none. t is valid until the connection's requests change.
func (c *Session) BlocksOn() (l *upstream.Conn, t *upstream.Pending, from uint64) {
	if c.dedicated == nil {
		return nil, nil, 0
	}
	from = c.dedicated.Queue.AnsweredTo()
	for t := range c.dedicated.Inflight.All {
		if t.Flags&upstream.Blocking != 0 && t.To == c.Ref {
			return c.dedicated, t, from
		}
		from = t.End
	}
	return nil, nil, 0
}

// MayWait reports whether an earlier request of the session may have to be done before the next one is begun: an admin
// request, a blocking command, an EXEC with placeholders.
func (c *Session) MayWait() bool { return c.AwaitsAdmin || c.blockedSince > 0 || len(c.composites) > 0 }

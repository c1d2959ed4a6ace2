package exchange

import (
	"time"

	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
)

// BlockingLost is what becomes of a blocking pop whose connection was lost after it was sent: the server may have taken
// an element for it that no client has received.
type BlockingLost uint8

const (
	// RetryPop retries it, and counts that in Totals.PopsRetried.
	RetryPop BlockingLost = iota
	// CloseClient closes the client's connection.
	CloseClient
	// AnswerUncertain answers -UNCERTAIN, as for any write.
	AnswerUncertain
)

// BeginBlocking records that a blocking command of the session is being sent, and so waits from now on.
func (x *Exchange) BeginBlocking(c *Session) { c.own().blockedSince = max(x.clock.Now, 1) }

// InBlockingCommand reports whether the session has sent a blocking command, and StillBlocked has not yet found it
// answered.
func (c *Session) InBlockingCommand() bool { return c.blockedSince > 0 }

// BlockedFor returns for how long the blocking command of the session has waited.
func (c *Session) BlockedFor() time.Duration { return c.Service.x.clock.Now - c.blockedSince }

// AwaitsBlocking reports whether the session waits for the reply to a blocking command.
func (c *Session) AwaitsBlocking() bool {
	return c.blockedSince > 0 && (len(c.inFlight) > 0 || len(c.retries) > 0 || c.withheld != nil)
}

// BlockWhileInBlocking blocks the session while it AwaitsBlocking, and reports whether it did.
func (x *Exchange) BlockWhileInBlocking(c *Session) bool {
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

// blockingLost handles a blocking command that may have been executed before its connection was lost. It returns false
// when the client must be answered that the outcome is unknown.
func (x *Exchange) blockingLost(c *Session, t *upstream.Pending, frame []byte) bool {
	x.args = resp.Args(frame, x.args[:0])
	command := routing.Lookup(x.args)
	switch {
	case command == nil:
		return false
	case command.Keeps():
	case c.Service.blockingLost == CloseClient:
		x.End(c, session.BlockingLost) // the replies before it are written first; it gets none itself
		x.Settle(c, t, nil)
		return true
	case c.Service.blockingLost == AnswerUncertain:
		return false
	default:
		x.totals.PopsRetried++
	}
	x.totals.Retried++
	x.Retry(c, t, frame, retry.Entry{Target: -1, Redirects: t.Redirects, Retries: t.Retries})
	return true
}

// MayWait reports whether an earlier request of the session may have to be done before the next one is begun: an admin
// request, a blocking command, an EXEC with placeholders.
func (c *Session) MayWait() bool { return c.AwaitsAdmin || c.blockedSince > 0 || len(c.composites) > 0 }

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

// BlockingLost is what becomes of a blocking pop that was sent and whose connection was lost: an element may have been
// taken that nobody has seen.
type BlockingLost uint8

// BeginBlocking records that a blocking command begins to wait, or goes on.
func (x *Exchange) BeginBlocking(c *Session) { c.own().blockedSince = max(x.clock.Now, 1) }

// Blocking reports whether a blocking command is under way, or was the last one.
func (c *Session) Blocking() bool { return c.blockedSince > 0 }

// BlockedFor is how long the blocking command under way has waited.
func (c *Session) BlockedFor() time.Duration { return c.Service.x.clock.Now - c.blockedSince }

// IsBlocked says that a session waits for the answer to a blocking command.
func (c *Session) IsBlocked() bool {
	return c.blockedSince > 0 && (len(c.inFlight) > 0 || len(c.retries) > 0 || c.withheld != nil)
}

// StillBlocked is isBlocked, and parks the session if so.
func (x *Exchange) StillBlocked(c *Session) bool {
	if !c.IsBlocked() {
		c.blockedSince = 0
		return false
	}
	x.Block(c, wait.Blocked)
	return true
}

const (
	// RetryPop puts it again, and counts it.
	RetryPop BlockingLost = iota
	// CloseClient closes the client's connection.
	CloseClient
	// AnswerUncertain answers as for any write.
	AnswerUncertain
)

// SetRound sets the WAIT under way, nil for none.
func (c *Session) SetRound(r *session.Round) {
	if r != nil || c.Round != nil {
		c.own().Round = r
	}
}

// BlocksOn finds the connection on which a server keeps a client waiting, and the command's pending. Its frame begins
// at from.
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

// blockingLost deals with a blocking command that may have been executed before its connection was lost. It returns
// false when the client is to be told that nobody knows.
func (x *Exchange) blockingLost(c *Session, t *upstream.Pending, frame []byte) bool {
	x.args = resp.Args(frame, x.args[:0])
	command := routing.Lookup(x.args)
	switch {
	case command == nil:
		return false
	case command.Keeps():
	case c.Service.blockingLost == CloseClient:
		x.Close(c, session.BlockingLost)
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

package exchange

import (
	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/routing"
)

// blockingLost handles a blocking command that may have been executed before its connection was lost. It returns false
// when the client must be answered that the outcome is unknown.
func (x *Exchange) blockingLost(c *sessions.Session, t *upstream.Pending, frame []byte) bool {
	x.args = resp.Args(frame, x.args[:0])
	command := routing.Lookup(x.args)
	switch {
	case command == nil:
		return false
	case command.Keeps():
	case c.Service.BlockingLost == sessions.CloseClient:
		x.End(c, session.BlockingLost) // the replies before it are written first; it gets none itself
		x.Settle(c, t, nil)
		return true
	case c.Service.BlockingLost == sessions.AnswerUncertain:
		return false
	default:
		x.totals.PopsRetried++
	}
	x.countRetried(c)
	x.Retry(c, t, frame, retry.Entry{Target: -1, Redirects: t.Redirects, Retries: t.Retries})
	return true
}

package worker

import (
	"time"

	"evergate/gateway/ratelimit"
	"evergate/gateway/throttle"
	"evergate/routing"
)

// Rates is how a worker learns of the rates of users and addresses, which all workers share; see throttle.Config. All
// nil: there are none.
type Rates struct {
	RateOfUser    func(service int, user string, stays bool) (a *ratelimit.Account, ok bool)
	RateOfAddress func(remote string) *ratelimit.Account
	RateLeft      func(a *ratelimit.Account, now time.Duration)
	RateExceeded  func(service int, a *ratelimit.Account, ofUser bool, count uint64)
	// UserComes reports whether a user admits clients from an address. Nil: every user does.
	UserComes func(service int, user, remote string) bool
}

func newThrottle(w *Worker) *throttle.Throttle {
	return throttle.New(throttle.Config{Exchange: w.x, Clock: w.clock, OfUser: w.env.RateOfUser,
		OfAddress: w.env.RateOfAddress, Left: w.env.RateLeft, Exceeded: w.env.RateExceeded})
}

// isLimited holds a request to the rates of its user and its address.
func (r *request) isLimited(w *Worker) bool { return w.throttle.Limits(r.c.Ref.ID) && r.limit(w) }

func (r *request) limit(w *Worker) bool {
	verdict, why := w.throttle.Admit(r.c, recovers(r.command))
	switch verdict {
	case throttle.Waits:
		return r.ends(false)
	case throttle.Refused:
		return r.reject(w, why)
	}
	return false
}

// recovers reports whether a client needs a command to go on, or to end what it has begun: these are not refused.
func recovers(c *routing.Command) bool {
	return c != nil && (c.Has(routing.NoAuth) || c.ID == routing.CmdDiscard)
}

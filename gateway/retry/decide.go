package retry

import "time"

// Outcome is the fate of a rejected request.
type Outcome uint8

const (
	// Pass: the error is the answer.
	Pass Outcome = iota
	// Retry: the request was not executed, and is retried.
	Retry
	// GiveUp: it was not executed, and has no retry left.
	GiveUp
)

// Facts are the inputs of a verdict besides the reply.
type Facts struct {
	// Redirects and Retries are how often the request was redirected, and retried after a pause.
	Redirects, Retries uint8
	// Window is how long the request may wait for a temporary condition; 0: not at all.
	Window time.Duration
	// Replica: it was sent to a replica. OnlyReplicas: it must not be sent to a primary.
	Replica, OnlyReplicas bool
	// Watched: it depends on the connection's state at the server. Bypass: it was sent on a bypass connection.
	Watched, Bypass bool
	// Switching: the server is being demoted, or was promoted so recently that its replicas may not have connected yet.
	Switching bool
	// Loadable: the script that the server lacks can be loaded into it.
	Loadable bool
	// Known: the node that a redirection names is in the view.
	Known bool
}

// Verdict on a rejected request.
type Verdict struct {
	Outcome Outcome
	// After is the pause before a retry, which a newer view ends, unless Firm.
	After time.Duration
	Firm  bool
	// Ask: send ASKING first. Primary: not to a replica.
	Ask, Primary bool
	// Redirects and Retries are the counts with which it is retried.
	Redirects, Retries uint8
	// Fallback: the server's error is a correct reply too, for a request that can no longer be retried in order.
	Fallback bool
	// Siblings: the client's reads after it on the connection would overtake it, and are retried with it. MOVED and ASK
	// reject each by itself. For NoScript that holds only if no write of the client is behind it.
	Siblings bool
}

// waits reports whether a kind is a temporary condition.
func (k Kind) waits() bool { return k == Unable || k == NoReplicas || k == Busy || k == TryAgain }

// IsRedirect reports whether the reply names another node.
func (k Kind) IsRedirect() bool { return k == Moved || k == Ask }

// Careful reports whether requests for the slot must be sent one at a time for a while: it is being moved.
func (k Kind) Careful() bool { return k == Ask || k == TryAgain }

// Decide returns the verdict on a request whose credible error, or missing key, is of this kind.
func Decide(k Kind, f *Facts) Verdict {
	v := Verdict{Outcome: Retry, Redirects: f.Redirects + 1, Retries: f.Retries, Siblings: !k.IsRedirect()}
	exhausted := f.Redirects >= RedirectsMax
	if k.waits() {
		v.Redirects, v.Retries = 0, f.Retries+1
		exhausted = f.Retries >= Limit(k, f.Window)
	}
	if exhausted {
		v.Outcome = GiveUp
	}
	switch k {
	case Answered:
		return Verdict{}
	case Absent:
		v.Primary = true
	case NoScript:
		if v.Primary = !f.Loadable; v.Primary && (!f.Replica || f.OnlyReplicas) {
			return Verdict{}
		}
		v.Fallback = true
	case NoReplicas:
		if !f.Switching || exhausted {
			return Verdict{} // the servers were set up to reject it
		}
		v.After, v.Fallback = pauseAfter(f.Retries), true
	case Busy:
		if f.Bypass || f.Watched || exhausted {
			return Verdict{}
		}
		v.After = pauseElsewhere(f)
	case Unable:
		v.After = pauseElsewhere(f)
	case TryAgain:
		v.After = tryAgainPause << min(f.Retries, tryAgainDoublings)
	case Moved, Ask:
		v.redirect(k, f)
	}
	return v
}

// pauseElsewhere returns the pause after a server could not serve a request; none for a read that another one may
// serve.
func pauseElsewhere(f *Facts) time.Duration {
	if f.Replica {
		return 0
	}
	return pauseAfter(f.Retries)
}

// redirect decides a MOVED or ASK. An unknown node is waited for: the topology learns it.
func (v *Verdict) redirect(k Kind, f *Facts) {
	if v.Ask = k == Ask && f.Known; !f.Known {
		v.After = Pause // an ASK to an unknown node: the slot's owner is asked again
		return
	}
	if f.Redirects >= 2 { // two servers that name each other agree in a moment; each MOVED makes a view
		v.After, v.Firm = tryAgainPause<<(3*(f.Redirects-2)), true
	}
}

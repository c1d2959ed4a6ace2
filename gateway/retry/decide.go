package retry

import "time"

// Outcome is what becomes of a rejected request.
type Outcome uint8

const (
	// Pass: the error is the answer.
	Pass Outcome = iota
	// Retry: the request was not executed, and is retried.
	Retry
	// GiveUp: it was not executed, and was retried as often as it may be.
	GiveUp
)

// Facts are what a verdict depends on beside the reply.
type Facts struct {
	// Redirects and Retries are how often the request was redirected, and retried after a pause.
	Redirects, Retries uint8
	// Window is how long the request may wait for what passes with time; 0: not at all.
	Window time.Duration
	// Replica: it was sent to a replica. OnlyReplicas: no primary may answer it instead.
	Replica, OnlyReplicas bool
	// Watched: it depends on what the server remembers of the connection. Bypass: it was to get past a busy server.
	Watched, Bypass bool
	// Switching: the server is being demoted, or was promoted so lately that its replicas may not have come yet.
	Switching bool
	// Loadable: the script that the server lacks can be loaded into it.
	Loadable bool
	// Known: the node that a redirection names is in the view.
	Known bool
}

// Verdict on a rejected request.
type Verdict struct {
	Outcome Outcome
	// After is the pause before a retry, which a newer view ends. Firm: not even that does.
	After time.Duration
	Firm  bool
	// Ask: say ASKING first. Primary: not to a replica.
	Ask, Primary bool
	// Redirects and Retries are the counts with which it is retried.
	Redirects, Retries uint8
	// Fallback: the server's error is an answer too, for a request that can no longer be retried in order.
	Fallback bool
	// Siblings: reads that the client has behind it on the connection would overtake it, and are retried with it. Of
	// MOVED and ASK they get their own. Of NoScript that holds only where no write of the client is behind it.
	Siblings bool
}

// waits reports whether what a kind names passes with time.
func (k Kind) waits() bool { return k == Unable || k == NoReplicas || k == Busy || k == TryAgain }

// IsRedirect reports whether the reply names another node.
func (k Kind) IsRedirect() bool { return k == Moved || k == Ask }

// Careful reports whether requests for the slot go one at a time for a while: it is being moved.
func (k Kind) Careful() bool { return k == Ask || k == TryAgain }

// Decide says what becomes of a request whose credible error, or missing key, is of this kind.
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

// pauseElsewhere is the pause after a server could not serve; none for a read that another one may serve.
func pauseElsewhere(f *Facts) time.Duration {
	if f.Replica {
		return 0
	}
	return pauseAfter(f.Retries)
}

// redirect decides a MOVED or ASK. An unknown node is waited for: the topology learns it.
func (v *Verdict) redirect(k Kind, f *Facts) {
	if v.Ask = k == Ask && f.Known; !f.Known {
		v.After = Pause // where ASK leads nowhere yet, the slot's owner is asked again
		return
	}
	if f.Redirects >= 2 { // two servers that name each other agree in a moment; each MOVED makes a view
		v.After, v.Firm = tryAgainPause<<(3*(f.Redirects-2)), true
	}
}

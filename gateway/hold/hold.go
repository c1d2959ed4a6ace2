// Package hold keeps the sessions that wait for a held shard: who is parked there, and since when. It decides nothing
// about shards; it knows nobody.
package hold

import "time"

// Waiter names a parked session. A waiter whose session has left in the meantime is harmless: the worker looks.
type Waiter struct {
	Session    uint32
	Generation uint32
}

// Hold is one held shard. The zero value is a shard that is not held.
//
// Invariant: Expired only while Held.
type Hold struct {
	waiters []entry
	since   time.Duration
	held    bool
	expired bool
}

type entry struct {
	who   Waiter
	since time.Duration
}

// Held says that somebody is, or was since the last Release, parked here.
func (h *Hold) Held() bool { return h.held }

// Since is when the hold began.
func (h *Hold) Since() time.Duration { return h.since }

// Expired says that a request has waited here for its whole window: others are refused at once while the hold lasts.
func (h *Hold) Expired() bool { return h.expired }

// Park adds a session. since is when its request first had to wait, which may be before this hold.
func (h *Hold) Park(who Waiter, since, now time.Duration) {
	if !h.held {
		h.held, h.since = true, now
	}
	h.waiters = append(h.waiters, entry{who, since})
}

// Expire appends to out the sessions that have waited for window, and takes them out of the hold. Afterwards the hold
// is Expired when there was any.
func (h *Hold) Expire(now, window time.Duration, out []Waiter) []Waiter {
	kept := h.waiters[:0]
	for _, e := range h.waiters {
		if now-e.since >= window {
			out = append(out, e.who)
			h.expired = true
		} else {
			kept = append(kept, e)
		}
	}
	h.waiters = kept
	return out
}

// Next is when the first of the waiting sessions expires; ok is false when nobody waits.
func (h *Hold) Next(window time.Duration) (at time.Duration, ok bool) {
	for _, e := range h.waiters {
		if t := e.since + window; !ok || t < at {
			at, ok = t, true
		}
	}
	return at, ok
}

// Wake appends all waiting sessions to out, so that they try again; the hold stays as it is. Those who still cannot
// go on park again.
func (h *Hold) Wake(out []Waiter) []Waiter {
	for _, e := range h.waiters {
		out = append(out, e.who)
	}
	h.waiters = h.waiters[:0]
	return out
}

// Release ends the hold: the shard has a primary again. It returns how long the hold was.
func (h *Hold) Release(now time.Duration, out []Waiter) ([]Waiter, time.Duration) {
	out = h.Wake(out)
	lasted := now - h.since
	if !h.held {
		lasted = 0
	}
	*h = Hold{waiters: h.waiters}
	return out, lasted
}

// Package hold keeps the sessions that wait for a held shard: who is parked there, since when, and for how long. It
// decides nothing about shards; it knows nobody.
package hold

import (
	"time"

	"evergate/gateway/session"
)

// Hold is one held shard. The zero value is a shard that is not held. Sessions may also wait here for a moment without
// the shard being held: a connection is being made.
type Hold struct {
	waiters []entry
	since   time.Duration
	held    bool
	expired time.Duration // the longest window that has run out in this hold; 0 when none has
}

type entry struct {
	who           session.Ref
	since, window time.Duration
}

// Begin says that the shard cannot be used. It returns false when that is known.
func (h *Hold) Begin(now time.Duration) bool {
	if h.held {
		return false
	}
	h.held, h.since = true, now
	return true
}

// Held says that the shard could not be used, and nothing was heard since.
func (h *Hold) Held() bool { return h.held }

// Since is when the hold began.
func (h *Hold) Since() time.Duration { return h.since }

// Expired says that the hold has lasted for this window, or a longer one, and that a request waited for it in vain:
// others are refused at once while the hold lasts. One that had begun to wait before the hold says nothing about it.
func (h *Hold) Expired(window time.Duration) bool { return h.expired > 0 && window <= h.expired }

// Park adds a session that may wait for window from since on, which is when its request first had to wait and may be
// before this hold.
func (h *Hold) Park(who session.Ref, since, window time.Duration) {
	h.waiters = append(h.waiters, entry{who, since, window})
}

// Expire appends to out the sessions whose window has run out, and takes them out of the hold.
func (h *Hold) Expire(now time.Duration, out []session.Ref) []session.Ref {
	kept := h.waiters[:0]
	for _, e := range h.waiters {
		if now-e.since >= e.window {
			out = append(out, e.who)
			if h.held && now-h.since >= e.window {
				h.expired = max(h.expired, e.window)
			}
		} else {
			kept = append(kept, e)
		}
	}
	h.waiters = kept
	return out
}

// Next is when the first of the waiting sessions expires; ok is false when nobody waits.
func (h *Hold) Next() (at time.Duration, ok bool) {
	for _, e := range h.waiters {
		if t := e.since + e.window; !ok || t < at {
			at, ok = t, true
		}
	}
	return at, ok
}

// Wake appends all waiting sessions to out, so that they try again; the hold stays as it is. Those who still cannot
// go on park again.
func (h *Hold) Wake(out []session.Ref) []session.Ref {
	for _, e := range h.waiters {
		out = append(out, e.who)
	}
	h.waiters = h.waiters[:0]
	return out
}

// Release ends the hold: the shard can be used again.
func (h *Hold) Release(out []session.Ref) []session.Ref {
	out = h.Wake(out)
	*h = Hold{waiters: h.waiters}
	return out
}

package wait

import (
	"slices"
	"time"

	"evergate/gateway/session"
)

// Buffer is a shard whose requests are buffered: the sessions that wait for it, since when, and for how long. It
// decides nothing about shards. The zero value buffers nothing. Sessions may also wait here for a moment without that:
// a connection is being made.
type Buffer struct {
	waiters   []entry
	since     time.Duration
	buffering bool
	expired   time.Duration // the longest window that has run out in this time; 0 when none has
}

type entry struct {
	who           session.Ref
	since, window time.Duration
}

// Begin says that the shard cannot be used. It returns false when that is known.
func (b *Buffer) Begin(now time.Duration) bool {
	if b.buffering {
		return false
	}
	b.buffering, b.since = true, now
	return true
}

// Buffering says that the shard could not be used, and nothing was heard since.
func (b *Buffer) Buffering() bool { return b.buffering }

// Since is when it began.
func (b *Buffer) Since() time.Duration { return b.since }

// Expired says that it has lasted for this window, or a longer one, and that a request waited for it in vain:
// others are refused at once while it lasts. One that had begun to wait before it says nothing about it.
func (b *Buffer) Expired(window time.Duration) bool { return b.expired > 0 && window <= b.expired }

// Add adds a session that may wait for window from since on, which is when its request first had to wait and may be
// before it.
func (b *Buffer) Add(who session.Ref, since, window time.Duration) {
	b.waiters = append(b.waiters, entry{who, since, window})
}

// Has reports whether a session waits here: it is for tests, and looks at all.
func (b *Buffer) Has(who session.Ref) bool {
	return slices.ContainsFunc(b.waiters, func(e entry) bool { return e.who == who })
}

// Expire appends to out the sessions whose window has run out, and takes them out.
func (b *Buffer) Expire(now time.Duration, out []session.Ref) []session.Ref {
	kept := b.waiters[:0]
	for _, e := range b.waiters {
		if now-e.since >= e.window {
			out = append(out, e.who)
			if b.buffering && now-b.since >= e.window {
				b.expired = max(b.expired, e.window)
			}
		} else {
			kept = append(kept, e)
		}
	}
	b.waiters = kept
	return out
}

// Next is when the first of the waiting sessions expires; ok is false when nobody waits.
func (b *Buffer) Next() (at time.Duration, ok bool) {
	for _, e := range b.waiters {
		if t := e.since + e.window; !ok || t < at {
			at, ok = t, true
		}
	}
	return at, ok
}

// Wake appends all waiting sessions to out, so that they try again; the shard stays buffered. Those who still cannot
// go on are added again.
func (b *Buffer) Wake(out []session.Ref) []session.Ref {
	for _, e := range b.waiters {
		out = append(out, e.who)
	}
	b.waiters = b.waiters[:0]
	return out
}

// End says that the shard can be used again, and appends all waiting sessions to out.
func (b *Buffer) End(out []session.Ref) []session.Ref {
	out = b.Wake(out)
	*b = Buffer{waiters: b.waiters}
	return out
}

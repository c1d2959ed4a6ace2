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

// Begin records that the shard cannot be used. It returns false when that is known.
func (b *Buffer) Begin(now time.Duration) bool {
	if b.buffering {
		return false
	}
	b.buffering, b.since = true, now
	return true
}

// Buffering reports whether the shard could not be used by its last news.
func (b *Buffer) Buffering() bool { return b.buffering }

// Since is when it began.
func (b *Buffer) Since() time.Duration { return b.since }

// Expired reports whether it has lasted for this window, or a longer one, and a request waited in vain: others are then
// rejected at once. A request that had begun to wait before says nothing about it.
func (b *Buffer) Expired(window time.Duration) bool { return b.expired > 0 && window <= b.expired }

// Add adds a session that may wait for window from since on, the time when its request first had to wait, which may lie
// before the beginning.
func (b *Buffer) Add(who session.Ref, since, window time.Duration) {
	b.waiters = append(b.waiters, entry{who, since, window})
}

// Has reports whether a session waits here. It is for tests: it searches all.
func (b *Buffer) Has(who session.Ref) bool {
	return slices.ContainsFunc(b.waiters, func(e entry) bool { return e.who == who })
}

// Expire removes the sessions whose window has run out, and appends them to out.
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

// Next is when the first of the waiting sessions expires; ok is false if there is none.
func (b *Buffer) Next() (at time.Duration, ok bool) {
	for _, e := range b.waiters {
		if t := e.since + e.window; !ok || t < at {
			at, ok = t, true
		}
	}
	return at, ok
}

// Wake appends all waiting sessions to out, so that they retry; the shard stays buffered. Those that still cannot go on
// are added again.
func (b *Buffer) Wake(out []session.Ref) []session.Ref {
	for _, e := range b.waiters {
		out = append(out, e.who)
	}
	b.waiters = b.waiters[:0]
	return out
}

// End records that the shard can be used again, and appends all waiting sessions to out.
func (b *Buffer) End(out []session.Ref) []session.Ref {
	out = b.Wake(out)
	*b = Buffer{waiters: b.waiters}
	return out
}

package wait

import (
	"slices"
	"time"

	"evergate/gateway/session"
)

// Buffer has the sessions that wait for one shard while its requests are buffered, since when, and for how long.
// Sessions may also wait here for a moment while nothing is buffered: a connection is being opened. It decides nothing
// about shards. The zero value buffers nothing.
type Buffer struct {
	waiters   []entry
	since     time.Duration
	buffering bool
	expired   time.Duration // the longest window that is over within this time; 0 when none is
}

// entry is a session that waits.
type entry struct {
	ref           session.Ref
	since, window time.Duration
}

// Begin records that the shard cannot be used. It returns false when that is known already.
func (b *Buffer) Begin(now time.Duration) bool {
	if b.buffering {
		return false
	}
	b.buffering, b.since = true, now
	return true
}

// Buffering reports whether the shard is buffered.
func (b *Buffer) Buffering() bool { return b.buffering }

// Since is when that began; meaningful while Buffering.
func (b *Buffer) Since() time.Duration { return b.since }

// Expired reports whether the shard was buffered for this window, or for a longer one, and a request has waited in vain
// for as long: others are then rejected at once. A request that began to wait before does not count.
func (b *Buffer) Expired(window time.Duration) bool { return b.expired > 0 && window <= b.expired }

// Add adds a session that may wait for window from since on, when its request first had to wait. That may be before the
// buffer began.
func (b *Buffer) Add(ref session.Ref, since, window time.Duration) {
	b.waiters = append(b.waiters, entry{ref, since, window})
}

// Has reports whether a session waits here. It is for tests, since it searches all.
func (b *Buffer) Has(ref session.Ref) bool {
	return slices.ContainsFunc(b.waiters, func(e entry) bool { return e.ref == ref })
}

// All yields the sessions that wait here.
func (b *Buffer) All(yield func(session.Ref) bool) {
	for _, e := range b.waiters {
		if !yield(e.ref) {
			return
		}
	}
}

// Expire removes the sessions whose window is over, and appends them to out.
func (b *Buffer) Expire(now time.Duration, out []session.Ref) []session.Ref {
	kept := b.waiters[:0]
	for _, e := range b.waiters {
		if now-e.since >= e.window {
			out = append(out, e.ref)
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

// Next is when the first window of a session is over; ok is false without sessions.
func (b *Buffer) Next() (at time.Duration, ok bool) {
	for _, e := range b.waiters {
		if t := e.since + e.window; !ok || t < at {
			at, ok = t, true
		}
	}
	return at, ok
}

// Wake removes all sessions, and appends them to out, so that they try again. The shard stays buffered.
func (b *Buffer) Wake(out []session.Ref) []session.Ref {
	for _, e := range b.waiters {
		out = append(out, e.ref)
	}
	b.waiters = b.waiters[:0]
	return out
}

// End is Wake, and records that the shard can be used again.
func (b *Buffer) End(out []session.Ref) []session.Ref {
	out = b.Wake(out)
	*b = Buffer{waiters: b.waiters}
	return out
}

// Package ratelimit has token buckets: so many tokens a second, of which a second's worth can be saved.
//
//	b := ratelimit.NewBucket(perSecond, workers)   shared by all workers
//	l := ratelimit.NewLease(b)                     one worker's own part of it
//	ready, at := l.Ready(now)                      whether there is a token, or when to ask again
//	l.Spend(now, n)                                takes n tokens, into debt if there are fewer
//
// Over any time the workers together spend at most the rate times that time, and one second's worth more; debts come on
// top, see Lease.Spend. They read the time at the beginning of their rounds, so for an observer that is blurred by the
// length of a round.
//
// Workers share a bucket without a lock: its whole state is one number, the time at which it will be full (as in the
// generic cell rate algorithm of ATM). Most requests do not even read that: a worker takes tokens ahead, all workers
// together a sixteenth of a second's worth, and counts them down by itself. Meanwhile the others cannot have them: so
// much less can be saved, and the rate stays what it is.
//
// Rejected: a share of the rate for each worker. The clients of a user are seldom spread evenly over the workers.
package ratelimit

import (
	"sync/atomic"
	"time"
)

// PerSecondMax is the greatest rate, and the greatest number of tokens that is spent at once: its product with a second
// in nanoseconds fits 63 bits.
const PerSecondMax = 1 << 33

// leased is the part of a second's worth that all workers may have taken ahead.
const leased = 16

// Bucket is a token bucket that several workers share. NewBucket makes it, full. Its methods may be called from any
// goroutine.
type Bucket struct {
	perSecond int64
	lease     int64         // how many tokens a worker takes ahead
	depth     time.Duration // the time in which an empty bucket becomes full
	full      atomic.Int64  // when it will be full, as a time.Duration; in the past if it is
}

// NewBucket makes a bucket of a rate from 1 to PerSecondMax, for so many workers.
func NewBucket(perSecond int64, workers int) *Bucket {
	b := &Bucket{perSecond: perSecond, lease: max(1, perSecond/int64(leased*workers))}
	// What workers have taken ahead is part of what can be saved. Each take is rounded up by a nanosecond at most.
	saved := perSecond - (b.lease-1)*int64(workers)
	b.depth = b.worth(saved) + time.Duration(saved/b.lease)
	return b
}

// worth is the time in which the bucket gets n tokens, rounded up.
func (b *Bucket) worth(n int64) time.Duration {
	return time.Duration((n*int64(time.Second) + b.perSecond - 1) / b.perSecond)
}

// take takes a worker's lease, or what there is of it. n is 0 if there is no token: at is when there will be one.
func (b *Bucket) take(now time.Duration) (n int64, at time.Duration) {
	for {
		full := b.full.Load()
		from := max(time.Duration(full), now)
		n = min(int64(b.depth-(from-now))*b.perSecond/int64(time.Second), b.lease)
		if n <= 0 {
			return 0, from + b.worth(1) - b.depth
		}
		if b.full.CompareAndSwap(full, int64(from+b.worth(n))) {
			return n, now
		}
	}
}

// owe takes n tokens whether they are there or not.
func (b *Bucket) owe(now time.Duration, n int64) {
	for {
		full := b.full.Load()
		if b.full.CompareAndSwap(full, int64(max(time.Duration(full), now)+b.worth(min(n, PerSecondMax)))) {
			return
		}
	}
}

// Full reports whether nothing is missing at the time now: a new bucket would be the same.
func (b *Bucket) Full(now time.Duration) bool { return time.Duration(b.full.Load()) <= now }

// Lease is what one worker has taken ahead from a bucket. It is used by one goroutine.
type Lease struct {
	bucket *Bucket
	left   int64
}

// unbounded is what is left of a lease without a bucket: in all years of a process not so much is spent.
const unbounded = 1 << 62

// NewLease has taken nothing yet. Without a bucket, b is nil, there are always tokens.
func NewLease(b *Bucket) Lease {
	if b == nil {
		return Lease{left: unbounded}
	}
	return Lease{bucket: b}
}

// Has reports whether a token has been taken ahead: it is Ready then.
func (l *Lease) Has() bool { return l.left > 0 }

// Ready reports whether there is a token. If not, at is when there will be one, unless others take it.
func (l *Lease) Ready(now time.Duration) (ready bool, at time.Duration) {
	if l.left > 0 {
		return true, now
	}
	l.left, at = l.bucket.take(now)
	return l.left > 0, at
}

// Spend takes n tokens. Those that are not there are a debt: there is no token until it is paid by time.
func (l *Lease) Spend(now time.Duration, n int64) {
	if l.left -= n; l.left < 0 {
		l.owe(now)
	}
}

func (l *Lease) owe(now time.Duration) {
	l.bucket.owe(now, -l.left)
	l.left = 0
}

// Return gives back what was taken ahead. The lease can be used again.
func (l *Lease) Return() {
	if l.bucket == nil {
		return
	}
	l.bucket.full.Add(-l.left * int64(time.Second) / l.bucket.perSecond)
	l.left = 0
}

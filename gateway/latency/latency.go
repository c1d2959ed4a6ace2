// Package latency counts times in buckets of fixed size: adding one costs nanoseconds and no memory. A Recorder does so
// by command, and the replies to LATENCY are made of both. Begin with Histogram.
package latency

import (
	"math/bits"
	"time"
)

// parts is into how many buckets each power of two is divided: a bucket is at most a quarter of its times wide.
const parts = 4

// Buckets is the number of buckets: those of all times in 32 bits of microseconds.
const Buckets = parts * 31

// Histogram has a counter for each bucket. The zero value is empty.
type Histogram struct {
	Counts [Buckets]uint64
	// Sum is that of all times, in microseconds.
	Sum uint64
}

// Add counts a time in microseconds.
func (h *Histogram) Add(us uint32) { h.AddIn(BucketOf(us), us) }

// AddIn is Add of a time whose BucketOf is known: it may be counted twice.
func (h *Histogram) AddIn(bucket Bucket, us uint32) {
	h.Counts[bucket]++
	h.Sum += uint64(us)
}

// Bucket is the place of a bucket among Counts.
type Bucket uint32

// BucketOf returns that of a time: one each below 4 us, then 4 for each power of two.
func BucketOf(us uint32) Bucket {
	if us < parts {
		return Bucket(us)
	}
	e := uint32(bits.Len32(us)) - 1
	return Bucket(parts*(e-1) + us>>(e-2)&(parts-1))
}

// lowest is the shortest time of a bucket, in microseconds.
func lowest(bucket int) uint64 {
	if bucket < parts {
		return uint64(bucket)
	}
	e := bucket/parts + 1
	return uint64(parts+bucket%parts) << (e - 2)
}

// Merge adds the counters of another histogram.
func (h *Histogram) Merge(o *Histogram) {
	for i, n := range o.Counts {
		h.Counts[i] += n
	}
	h.Sum += o.Sum
}

// Sum adds the counters of a histogram to a sum, which is made if there is none yet. from may be nil, and is not kept.
func Sum(to **Histogram, from *Histogram) {
	switch {
	case from == nil:
	case *to == nil:
		sum := *from
		*to = &sum
	default:
		(*to).Merge(from)
	}
}

// Since returns what was counted since an earlier state of the same histogram: nothing in a bucket that had more, since
// a part of a sum may be missing.
func (h *Histogram) Since(earlier *Histogram) (d Histogram) {
	for i, n := range h.Counts {
		d.Counts[i] = n - min(n, earlier.Counts[i])
	}
	d.Sum = h.Sum - min(h.Sum, earlier.Sum)
	return d
}

// Total is how many times were counted.
func (h *Histogram) Total() (n uint64) {
	for _, c := range h.Counts {
		n += c
	}
	return n
}

// Below returns how many times were shorter than 2^power microseconds; power is 2 to 32.
func (h *Histogram) Below(power int) (n uint64) {
	for _, c := range h.Counts[:parts*(power-1)] {
		n += c
	}
	return n
}

// Quantile returns the time that a share q of all times does not exceed, in microseconds, taken to be evenly spread in
// its bucket; false for an empty histogram.
func (h *Histogram) Quantile(q float64) (us float64, ok bool) {
	total := h.Total()
	if total == 0 {
		return 0, false
	}
	rank, before := q*float64(total), 0.0
	for i, n := range h.Counts {
		if n == 0 || before+float64(n) < rank {
			before += float64(n)
			continue
		}
		from, to := float64(lowest(i)), float64(lowest(i+1))
		return from + (to-from)*(rank-before)/float64(n), true
	}
	return 0, false
}

// Recent is the longest of the times that were noted in the last one to two seconds. The zero value has none.
type Recent struct {
	since       time.Duration
	now, before time.Duration
}

// Note notes a time that ended at now.
func (r *Recent) Note(now, took time.Duration) {
	r.turn(now)
	r.now = max(r.now, took)
}

// Longest returns the longest time that was noted.
func (r *Recent) Longest(now time.Duration) time.Duration {
	r.turn(now)
	return max(r.now, r.before)
}

// turn begins another second, if the present one is over.
func (r *Recent) turn(now time.Duration) {
	if now-r.since < time.Second {
		return
	}
	if r.before = r.now; now-r.since >= 2*time.Second {
		r.before = 0
	}
	r.since, r.now = now, 0
}

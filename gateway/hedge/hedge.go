// Package hedge knows when a read that a server owes is late, and how many reads may be sent twice. It is pure: it has
// no clock, and sends nothing. Begin with Delay and Budget; package exchange uses them.
package hedge

import (
	"time"

	"evergate/gateway/latency"
)

const (
	// Shortest is the shortest time after which a read is late.
	Shortest = time.Millisecond
	// Samples is how many reads must be measured before it is known how long 99 of 100 take.
	Samples = 500
	// Percent bounds the reads that are sent twice, as a share of the reads on replicas in the last Seconds seconds. Few
	// more, Always in that time, may be sent twice in any case.
	Percent = 5
	Seconds = 10
	Always  = 10
)

// Delay is the time after which a read is late that takes longer than 99 of 100 do. The zero value knows none.
type Delay struct {
	before latency.Histogram
	known  bool // before is there
	after  time.Duration
}

// Measure takes the times of all reads since the start. It is called about once a second; times are counted until there
// are Samples, so that few reads make no time.
func (d *Delay) Measure(all *latency.Histogram) {
	if !d.known {
		d.before, d.known = *all, true
		return
	}
	recent := all.Since(&d.before)
	if recent.Total() < Samples {
		return
	}
	us, _ := recent.Quantile(0.99)
	d.before, d.after = *all, max(Shortest, time.Duration(us)*time.Microsecond)
}

// After is that time; 0 where it is not known yet.
func (d *Delay) After() time.Duration { return d.after }

// Budget bounds the reads that are sent twice. The zero value is ready.
type Budget struct {
	reads, twice [Seconds]uint64 // by second, in turn
	sums         [2]uint64       // of both
	second       int64           // the newest one
	total        uint64          // reads up to the last Turn
}

// Turn takes how many reads replicas were sent since the start. now is the time since any fixed moment.
func (b *Budget) Turn(now time.Duration, reads uint64) {
	second := int64(now / time.Second)
	b.second = max(b.second, second-Seconds)
	for ; b.second < second; b.second++ {
		at := (b.second + 1) % Seconds
		b.sums[0], b.sums[1] = b.sums[0]-b.reads[at], b.sums[1]-b.twice[at]
		b.reads[at], b.twice[at] = 0, 0
	}
	more := reads - min(reads, b.total) // fewer after services have gone
	b.total = reads
	b.reads[second%Seconds] += more
	b.sums[0] += more
}

// Take reports whether so many more reads may be sent twice now, and counts them if so.
func (b *Budget) Take(n int) bool {
	if b.sums[1]+uint64(n) > Always+b.sums[0]*Percent/100 {
		return false
	}
	b.twice[b.second%Seconds] += uint64(n)
	b.sums[1] += uint64(n)
	return true
}

package ratelimit

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// TestBucket plays what one worker does at times of its clock: it asks for a token, and spends some. Tokens come a few
// nanoseconds early, by what rounding may take away elsewhere.
func TestBucket(t *testing.T) {
	type step struct {
		at    time.Duration
		ready bool
		next  time.Duration // where it is not ready
		spend int64
	}
	const ms = time.Millisecond
	for _, c := range []struct {
		name      string
		perSecond int64
		steps     []step
	}{
		{"one a second", 1, []step{{ready: true, spend: 1}, {next: time.Second - 1},
			{at: 999 * ms, next: time.Second - 1},
			{at: 1000 * ms, ready: true, spend: 1}, {at: 1000 * ms, next: 2*time.Second - 1},
			{at: time.Hour, ready: true, spend: 1}, {at: time.Hour, next: time.Hour + time.Second - 1}}},
		{"a burst, then the rate", 4, []step{{ready: true, spend: 1}, {ready: true, spend: 1}, {ready: true, spend: 1},
			{ready: true, spend: 1}, {next: 250*ms - 4}, {at: 250 * ms, ready: true, spend: 1},
			{at: 250 * ms, next: 500*ms - 4}}},
		{"a debt", 10, []step{{ready: true, spend: 30}, {next: 2100*ms - 10}, {at: 2 * time.Second, next: 2100*ms - 10},
			{at: 2100 * ms, ready: true, spend: 1}, {at: 2100 * ms, next: 2200*ms - 10}}},
		{"a lease is part of the burst", 320, []step{{ready: true, spend: 1}, {ready: true, spend: 319},
			{next: 62500*time.Microsecond - 15}}},
		{"thirds of a second", 3, []step{{ready: true, spend: 1}, {ready: true, spend: 1}, {ready: true, spend: 1},
			{next: 333333333}, {at: 333333332, next: 333333333}, {at: 333333333, ready: true, spend: 1}}},
		{"the greatest rate", PerSecondMax, []step{{ready: true, spend: 1}, {ready: true, spend: PerSecondMax},
			{next: 62500*time.Microsecond - 14}, {at: time.Second, ready: true, spend: PerSecondMax}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := NewLease(NewBucket(c.perSecond, 1))
			for i, s := range c.steps {
				ready, at := l.Ready(s.at)
				if ready != s.ready || !ready && at != s.next {
					t.Fatalf("step %d at %v: ready %t at %v, want %t at %v", i, s.at, ready, at, s.ready, s.next)
				}
				if s.spend > 0 {
					l.Spend(s.at, s.spend)
				}
			}
		})
	}
}

// TestWorkersTogetherKeepTheRate has workers spend whatever they get, and looks at every window of what they did.
func TestWorkersTogetherKeepTheRate(t *testing.T) {
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		workers := 1 + rnd.IntN(8)
		perSecond := []int64{1, 7, 100, 1000, 50_000}[rnd.IntN(5)]
		b := NewBucket(perSecond, workers)
		leases := make([]Lease, workers)
		for i := range leases {
			leases[i] = NewLease(b)
		}
		var spent []time.Duration
		now, last := time.Duration(0), 4*time.Second
		for now < last {
			now += time.Duration(rnd.ExpFloat64() * float64(time.Second) / float64(perSecond) / 3)
			if rnd.Int64N(10*perSecond) == 0 {
				now += time.Duration(rnd.Int64N(int64(time.Second)))
			}
			l := &leases[rnd.IntN(workers)]
			if rnd.IntN(100) == 0 {
				l.Return()
			}
			if ready, at := l.Ready(now); ready {
				l.Spend(now, 1)
				spent = append(spent, now)
			} else if at <= now {
				t.Fatalf("seed %d: nothing at %v, and the next token at %v", seed, now, at)
			}
		}
		if err := keepsRate(spent, perSecond); err != nil {
			t.Fatalf("seed %d, %d workers, %d/s: %v", seed, workers, perSecond, err)
		}
		if used := float64(len(spent)) / (float64(perSecond) * now.Seconds()); used < 0.7 {
			t.Errorf("seed %d, %d workers, %d/s: %.2f of the rate is used", seed, workers, perSecond, used)
		}
	}
}

// keepsRate looks at each window that begins and ends with a token. The worst one begins where the bucket was full
// last, so one pass with the level of a bucket of one second finds any.
func keepsRate(spent []time.Duration, perSecond int64) error {
	level, last := float64(perSecond), time.Duration(0)
	for i, at := range spent {
		level = min(float64(perSecond), level+(at-last).Seconds()*float64(perSecond))
		last = at
		if level--; level < -1e-3-float64(perSecond)*1e-6 {
			return fmt.Errorf("token %d at %v exceeds the rate by %f", i, at, -level)
		}
	}
	return nil
}

func TestKeepsRateCanFail(t *testing.T) {
	if keepsRate([]time.Duration{0, 0, time.Second}, 1) == nil || keepsRate([]time.Duration{0, time.Second}, 1) != nil {
		t.Error("the check of rates does not check")
	}
}

// TestGoroutinesTakeEachTokenOnce is for the race detector, and for the arithmetic under it.
func TestGoroutinesTakeEachTokenOnce(t *testing.T) {
	const workers, perSecond = 4, 10_000
	b := NewBucket(perSecond, workers)
	var all [workers]int64
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			l := NewLease(b)
			for {
				ready, _ := l.Ready(0)
				if !ready {
					return
				}
				l.Spend(0, 1)
				all[w]++
			}
		})
	}
	group.Wait()
	sum, leases := int64(0), workers*(b.lease-1)
	for _, n := range all {
		sum += n
	}
	if sum != perSecond-leases {
		t.Errorf("%d tokens were taken of %d, of which %d can be leased", sum, perSecond, leases)
	}
}

func TestAccountLogsOnceAMinute(t *testing.T) {
	a := NewAccount("user app", Rate{Commands: 1}, 1)
	for i, want := range []struct {
		at    time.Duration
		count uint64
	}{{0, 1}, {1, 0}, {time.Second, 0}, {time.Minute, 3}, {2*time.Minute - 1, 0}, {2 * time.Minute, 2}} {
		if count, due := a.Exceeded(want.at); count != want.count || due != (want.count > 0) {
			t.Errorf("step %d: %d commands, due %t", i, count, due)
		}
	}
	if a.Bytes != nil || !a.Full(0) || (Rate{}).Bounds() || !a.Rate.Bounds() {
		t.Error("an account that nobody has used is not what it was made as")
	}
}

func BenchmarkLease(b *testing.B) {
	l := NewLease(NewBucket(PerSecondMax, 2))
	for now := time.Duration(0); b.Loop(); now += 100 {
		if ready, _ := l.Ready(now); ready {
			l.Spend(now, 1)
		}
	}
}

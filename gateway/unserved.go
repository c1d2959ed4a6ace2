package gateway

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"evergate/topology"
)

// unserved tells when clients of a service begin to be refused since no server can take what they ask, and when that is
// over: once each, with the reason, how long it was and how many requests were refused.
type unserved struct {
	logger hclog.Logger
	clock  func() time.Time
	// wake is told of the first refusal.
	wake chan struct{}

	// refused counts all refusals, lastAt is when the last one was (Unix nanoseconds), why its reason. Workers write them.
	refused atomic.Uint64
	why     atomic.Pointer[string]
	lastAt  atomic.Int64
	open    atomic.Bool // the first refusal has been noted, and its end has not been told

	// because is what the topology said last of a server or Sentinel that is gone; guarded by mu.
	mu      sync.Mutex
	because string

	// Of the goroutine that tells: when it began, and what refused was before. A first refusal just after the start, an
	// early one, is not told yet.
	began, started time.Time
	before         uint64
	early          bool
}

const (
	// unservedQuiet is how long nobody must have been refused until that counts as over, where the servers are there.
	unservedQuiet = 3 * time.Second
	unservedTick  = 500 * time.Millisecond
	// unservedStart is how long after the start the servers may be unknown without a word, where they are found then.
	unservedStart = time.Second
)

func newUnserved(logger hclog.Logger, service string) *unserved {
	return &unserved{logger: logger.With("service", service), clock: time.Now, wake: make(chan struct{}, 1),
		started: time.Now()}
}

// note takes a refusal of a worker. It never blocks.
func (u *unserved) note(why string) {
	u.lastAt.Store(u.clock().UnixNano())
	u.refused.Add(1)
	u.why.Store(&why)
	if !u.open.Load() && u.open.CompareAndSwap(false, true) {
		u.wake <- struct{}{}
	}
}

// heard keeps what an event tells of the cause.
func (u *unserved) heard(e topology.Event) {
	switch e.Kind {
	case topology.SentinelGone, topology.NodeGone, topology.Suspected, topology.Held:
		u.mu.Lock()
		defer u.mu.Unlock()
		who := e.Subject
		if who == "" {
			who = e.From
		}
		u.because = who + ": " + e.Why
	case topology.Released, topology.PrimaryFound:
		u.mu.Lock()
		defer u.mu.Unlock()
		u.because = ""
	}
}

// run tells until ctx ends. view gives the service's newest view.
func (u *unserved) run(ctx context.Context, view func() *topology.View) {
	tick := time.NewTicker(unservedTick)
	defer tick.Stop()
	for {
		select {
		case <-u.wake:
			u.first()
		case <-tick.C:
			u.look(view())
		case <-ctx.Done():
			return
		}
	}
}

// first takes in that there was a refusal.
func (u *unserved) first() {
	if u.clock().Sub(u.started) < unservedStart {
		u.early = true
		return
	}
	u.begin()
}

func (u *unserved) begin() {
	u.began = u.clock()
	pairs := []any{"reason", *u.why.Load()}
	u.mu.Lock()
	if u.because != "" {
		pairs = append(pairs, "cause", u.because)
	}
	u.mu.Unlock()
	u.logger.Error("service unavailable", pairs...)
}

// look tells the end when it has come. That nobody was refused is not enough: perhaps nobody has asked.
func (u *unserved) look(v *topology.View) {
	if u.early {
		switch {
		case serves(v):
			u.early, u.before = false, u.refused.Load()
			u.open.Store(false)
		case u.clock().Sub(u.started) >= unservedStart:
			u.early = false
			u.begin()
		}
		return
	}
	last := time.Unix(0, u.lastAt.Load())
	if u.began.IsZero() || u.clock().Sub(last) < unservedQuiet || !serves(v) {
		return
	}
	refused := u.refused.Load()
	lasted := max(last.Sub(u.began), 0).Round(time.Millisecond)
	u.logger.Info("service available again", "duration", lasted.String(), "rejected", refused-u.before)
	u.began, u.before = time.Time{}, refused
	u.open.Store(false)
}

// serves says whether every shard has a primary that is trusted.
func serves(v *topology.View) bool {
	if v == nil || !v.Complete() {
		return false
	}
	for i := range v.Shards {
		if v.Shards[i].Primary == nil || v.Shards[i].Condition != topology.Steady {
			return false
		}
	}
	return true
}

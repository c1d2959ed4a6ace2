// Package outage logs what cannot be used: servers whose connections fail, and services whose clients get errors. Each
// trouble is logged once, not once for every request.
package outage

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"evergate/topology"
	"evergate/topology/decide"
)

// Service logs when clients of a service begin to get errors because no server can take their requests, and when that
// ends: once each, with the reason, the duration and the number of rejected requests.
type Service struct {
	logger hclog.Logger
	clock  func() time.Time
	// wake receives the first rejection.
	wake chan struct{}

	// refused counts all rejections, lastAt is the time of the last (Unix nanoseconds), why its reason. Workers write
	// them.
	refused atomic.Uint64
	why     atomic.Pointer[string]
	lastAt  atomic.Int64
	open    atomic.Bool // the first rejection has been noted, and the end is not logged yet

	// because is the topology's last word about a server or Sentinel that is gone; guarded by mu.
	mu      sync.Mutex
	because string

	// Of the goroutine that logs: began is the first rejection, before the value of refused then. A rejection just
	// after the start, an early one, is not logged yet.
	began, started time.Time
	before         uint64
	early          bool
}

const (
	// unservedQuiet is how long there must be no rejection until that counts as the end, if the servers are there.
	unservedQuiet = 3 * time.Second
	unservedTick  = 500 * time.Millisecond
	// unservedStart is how long after the start the servers may be unknown without a log line, if they are found then.
	unservedStart = time.Second
)

// NewService makes the log of a service; it begins now.
func NewService(logger hclog.Logger, service string) *Service {
	return &Service{logger: logger.With("service", service), clock: time.Now, wake: make(chan struct{}, 1),
		started: time.Now()}
}

// Note takes a rejection of a worker. It never blocks.
func (u *Service) Note(why string) {
	u.lastAt.Store(u.clock().UnixNano())
	u.refused.Add(1)
	u.why.Store(&why)
	if !u.open.Load() && u.open.CompareAndSwap(false, true) {
		u.wake <- struct{}{}
	}
}

// NoteCause records the cause that an event contains.
func (u *Service) NoteCause(e decide.Event) {
	switch e.Kind {
	case decide.SentinelGone, decide.NodeGone, decide.Suspected, decide.Held:
		u.mu.Lock()
		defer u.mu.Unlock()
		who := e.Subject
		if who == "" {
			who = e.From
		}
		u.because = who + ": " + e.Why
	case decide.Released, decide.PrimaryFound:
		u.mu.Lock()
		defer u.mu.Unlock()
		u.because = ""
	}
}

// Run logs until ctx ends. view returns the service's newest view.
func (u *Service) Run(ctx context.Context, view func() *topology.View) {
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

// first handles the first rejection.
func (u *Service) first() {
	if u.clock().Sub(u.started) < unservedStart {
		u.early = true
		return
	}
	u.begin()
}

func (u *Service) begin() {
	u.began = u.clock()
	pairs := []any{"reason", *u.why.Load()}
	u.mu.Lock()
	if u.because != "" {
		pairs = append(pairs, "cause", u.because)
	}
	u.mu.Unlock()
	u.logger.Error("service unavailable", pairs...)
}

// look logs the end when it has come. The lack of rejections is not enough: perhaps no client has sent a request.
func (u *Service) look(v *topology.View) {
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

// serves reports whether every shard has a primary in steady condition.
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

package ratelimit

import (
	"sync/atomic"
	"time"
)

// Rate is how much may be done in a second. The zero value bounds nothing.
type Rate struct {
	// Commands and Bytes a second, each up to PerSecondMax; 0: no bound. Bytes are those of requests, replies and
	// messages together.
	Commands, Bytes int64
	// Refuses answers what exceeds the rate with an error. Otherwise the client waits.
	Refuses bool
}

// Bounds reports whether the rate bounds anything.
func (r Rate) Bounds() bool { return r.Commands > 0 || r.Bytes > 0 }

// Account is what all clients of one user, or of one address, share. NewAccount makes it.
type Account struct {
	Rate Rate
	// Name is of whom it is, for the log.
	Name string
	// Commands and Bytes are nil where the Rate has no bound.
	Commands, Bytes *Bucket

	exceeded atomic.Uint64
	logAt    atomic.Int64 // when a line is due again, as a time.Duration
	logged   atomic.Uint64
}

// NewAccount makes the account of someone with a rate, for so many workers.
func NewAccount(name string, rate Rate, workers int) *Account {
	a := &Account{Rate: rate, Name: name}
	if rate.Commands > 0 {
		a.Commands = NewBucket(rate.Commands, workers)
	}
	if rate.Bytes > 0 {
		a.Bytes = NewBucket(rate.Bytes, workers)
	}
	return a
}

// Full reports whether nothing is missing: a new account would be the same.
func (a *Account) Full(now time.Duration) bool {
	return (a.Commands == nil || a.Commands.Full(now)) && (a.Bytes == nil || a.Bytes.Full(now))
}

// logEvery is the least time between two log lines about an account.
const logEvery = time.Minute

// Exceeded counts a command that the rate held up or refused. due: a log line is to be written, about so many commands
// since the last one.
func (a *Account) Exceeded(now time.Duration) (count uint64, due bool) {
	all, at := a.exceeded.Add(1), a.logAt.Load()
	if int64(now) < at || !a.logAt.CompareAndSwap(at, int64(now+logEvery)) {
		return 0, false
	}
	return all - a.logged.Swap(all), true
}

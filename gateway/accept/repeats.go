package accept

import (
	"sync"
	"time"
)

// Repeats bounds the log lines that clients can cause as often as they like: one of each kind at once, and then at most
// one in repeatsPause, with the number of those that were left out.
type Repeats struct {
	clock func() time.Time

	mu   sync.Mutex
	seen map[string]*repeatedly
}

type repeatedly struct {
	at   time.Time
	more int
}

const (
	repeatsPause = 10 * time.Second
	// repeatsKinds bounds how many kinds are remembered: a reason may quote what a client sent.
	repeatsKinds = 256
)

// NewRepeats has the clock of the system.
func NewRepeats() *Repeats { return &Repeats{clock: time.Now, seen: map[string]*repeatedly{}} }

// Due reports whether a line of a kind is to be logged, and how many of the same kind were left out before it.
func (r *Repeats) Due(kind string) (more int, due bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now, was := r.clock(), r.seen[kind]
	switch {
	case was != nil && now.Sub(was.at) < repeatsPause:
		was.more++
		return 0, false
	case was != nil:
		more = was.more
	case len(r.seen) >= repeatsKinds:
		clear(r.seen)
	}
	r.seen[kind] = &repeatedly{at: now}
	return more, true
}

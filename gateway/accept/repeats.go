package accept

import (
	"maps"
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
	// repeatsKinds bounds how many kinds are told apart: a reason may quote what a client sent. Those beyond it are one.
	repeatsKinds = 64
	// others is the kind of all that are beyond the bound.
	others = ""
)

// NewRepeats has the clock of the system.
func NewRepeats() *Repeats { return &Repeats{clock: time.Now, seen: map[string]*repeatedly{}} }

// Due reports whether a line of a kind is to be logged, and how many of the same kind were left out before it.
func (r *Repeats) Due(kind string) (more int, due bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.clock()
	if r.seen[kind] == nil && r.full(now) {
		kind = others
	}
	was := r.seen[kind]
	switch {
	case was != nil && now.Sub(was.at) < repeatsPause:
		was.more++
		return 0, false
	case was != nil:
		more = was.more
	}
	r.seen[kind] = &repeatedly{at: now}
	return more, true
}

// full reports whether there is no room for another kind. It forgets those whose pause is over.
func (r *Repeats) full(now time.Time) bool {
	if len(r.seen) < repeatsKinds {
		return false
	}
	maps.DeleteFunc(r.seen, func(kind string, was *repeatedly) bool {
		return now.Sub(was.at) >= repeatsPause && kind != others
	})
	return len(r.seen) >= repeatsKinds
}

package load

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"evergate/testenv/drill/ledger"
)

// Book is the ledger while it is being written.
type Book struct {
	// Start is the origin of all times of entries.
	Start time.Time

	mu      sync.Mutex
	entries []ledger.Entry // guarded by mu

	*Tally
}

// Tally counts the ends of requests for a live display; several books may share one.
type Tally struct {
	Acknowledged, Uncertain, Errors atomic.Int64
}

func (b *Book) now() time.Duration { return time.Since(b.Start) }

func (b *Book) note(e ledger.Entry) {
	switch e.Outcome {
	case ledger.Acknowledged:
		b.Acknowledged.Add(1)
	case ledger.Uncertain:
		b.Uncertain.Add(1)
	case ledger.GaveUp:
	default:
		b.Errors.Add(1)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.entries = append(b.entries, e)
}

// Taken returns the entries so far; the caller owns them.
func (b *Book) Taken() []ledger.Entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]ledger.Entry(nil), b.entries...)
}

// After returns the entries whose end was known after from; the caller owns them. Requests that end at the same time on
// several connections are recorded a little out of order, which a live display tolerates.
func (b *Book) After(from time.Duration) []ledger.Entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	first := len(b.entries)
	for first > 0 && b.entries[first-1].Done > from {
		first--
	}
	return slices.Clone(b.entries[first:])
}

// WroteSince reports whether a write of the struck shard that was sent after from has been acknowledged.
func (b *Book) WroteSince(from time.Duration) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := len(b.entries) - 1; i >= 0 && b.entries[i].Done >= from; i-- {
		if e := &b.entries[i]; e.Struck && e.Kind.Writes() && e.Outcome == ledger.Acknowledged && e.Sent >= from {
			return true
		}
	}
	return false
}

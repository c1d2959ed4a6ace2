package drill

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"evergate/testenv/drill/ledger"
)

// book is the ledger while it is being written.
type book struct {
	start time.Time

	mu      sync.Mutex
	entries []ledger.Entry // guarded by mu

	*tally
}

// tally is what a line that lives tells; several books may share one.
type tally struct {
	acknowledged, uncertain, errors atomic.Int64
}

func (b *book) now() time.Duration { return time.Since(b.start) }

func (b *book) note(e ledger.Entry) {
	switch e.Outcome {
	case ledger.Acknowledged:
		b.acknowledged.Add(1)
	case ledger.Uncertain:
		b.uncertain.Add(1)
	case ledger.GaveUp:
	default:
		b.errors.Add(1)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.entries = append(b.entries, e)
}

// taken gives the entries so far; the caller owns them.
func (b *book) taken() []ledger.Entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]ledger.Entry(nil), b.entries...)
}

// after gives the entries whose end was known after from; the caller owns them. What ends at once on several
// connections is noted a little out of order, which a line that lives can bear.
func (b *book) after(from time.Duration) []ledger.Entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	first := len(b.entries)
	for first > 0 && b.entries[first-1].Done > from {
		first--
	}
	return slices.Clone(b.entries[first:])
}

// wroteSince says whether a write of the struck shard that was sent after from has been acknowledged.
func (b *book) wroteSince(from time.Duration) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := len(b.entries) - 1; i >= 0 && b.entries[i].Done >= from; i-- {
		if e := &b.entries[i]; e.Struck && e.Kind.Writes() && e.Outcome == ledger.Acknowledged && e.Sent >= from {
			return true
		}
	}
	return false
}

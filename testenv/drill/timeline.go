package drill

import (
	"slices"
	"sync"
	"time"

	"evergate/testenv/drill/ledger"
	"evergate/testenv/drill/report"
)

// timeline collects the events of observers. Its methods may be called by any goroutine.
type timeline struct {
	start time.Time

	mu sync.Mutex
	// guarded by mu:
	events []report.Event
	marks  ledger.Marks
	// news is closed and replaced at every event.
	news chan struct{}
}

func newTimeline(start time.Time) *timeline {
	return &timeline{start: start, marks: ledger.Unseen(), news: make(chan struct{})}
}

func (t *timeline) now() time.Duration { return time.Since(t.start) }

// record adds an event of now and lets mark change the marks with it; mark may be nil.
func (t *timeline) record(source, text string, mark func(m *ledger.Marks, now time.Duration)) {
	t.recordAt(t.now(), source, text, mark)
}

func (t *timeline) recordAt(at time.Duration, source, text string, mark func(m *ledger.Marks, now time.Duration)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.events = append(t.events, report.Event{At: at, Source: source, Text: text})
	if mark != nil {
		mark(&t.marks, at)
	}
	close(t.news)
	t.news = make(chan struct{})
}

// seen returns copies of everything so far, and a channel that is closed at the next event.
func (t *timeline) seen() ([]report.Event, ledger.Marks, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m := t.marks
	m.Accepts, m.Rejected, m.Strikes = slices.Clone(m.Accepts), slices.Clone(m.Rejected), slices.Clone(m.Strikes)
	return slices.Clone(t.events), m, t.news
}

// since returns a mark that keeps the first moment after the strike.
func since(field func(*ledger.Marks) *time.Duration) func(*ledger.Marks, time.Duration) {
	return func(m *ledger.Marks, now time.Duration) {
		if at := field(m); m.Struck >= 0 && *at < 0 {
			*at = now
		}
	}
}

func detected(m *ledger.Marks) *time.Duration { return &m.Detected }
func elected(m *ledger.Marks) *time.Duration  { return &m.Elected }
func promoted(m *ledger.Marks) *time.Duration { return &m.Promoted }

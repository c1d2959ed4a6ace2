package ledger

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Hiccup is the longest pause that does not count as one: a hiccup of a busy machine.
const Hiccup = 300 * time.Millisecond

// Marks are the moments of a drill as seen by its observers, since its start; -1 if not seen.
type Marks struct {
	// Began is when the load had warmed up, Ended when it sent no more.
	Began, Ended time.Duration
	// Struck is when the act began to break or fail over a server, Healed when it ended the failure.
	Struck, Healed time.Duration
	// Detected is when the servers first reported the failure, Elected when they named a candidate, Promoted when they
	// reported it as primary.
	Detected, Elected, Promoted time.Duration
	// Accepts is when a new primary first accepted a write, sent directly: one for each failover of the drill.
	Accepts []time.Duration
	// Rejected is when the last write before each of Accepts was sent that it rejected: it was no primary yet.
	Rejected []time.Duration `json:"-"`
	// Strikes are the moments of each strike, in order; the first is Struck.
	Strikes []time.Duration
	// FailedElections is how many elections since the strike ended without a leader, and so without a new primary: the
	// votes were split. 0 if the servers do not report it.
	FailedElections int `json:",omitempty"`
}

// Accept records that a new primary accepts writes, and when the last one was sent that it rejected.
func (m *Marks) Accept(at, rejected time.Duration) {
	m.Accepts, m.Rejected = append(m.Accepts, at), append(m.Rejected, rejected)
}

// Unseen returns Marks of which none was seen yet.
func Unseen() Marks {
	return Marks{Began: -1, Ended: -1, Struck: -1, Healed: -1, Detected: -1, Elected: -1, Promoted: -1}
}

// Latency are percentiles of acknowledged requests, from the moment they should have been sent.
type Latency struct {
	Count          int
	P50, P99, P999 time.Duration
	Max            time.Duration
}

// Figures are the numbers of a ledger.
type Figures struct {
	Requests int
	// Errors are counted by their first word.
	Errors map[string]int
	// Example is one whole text for each first word.
	Example map[string]string
	// Uncertain counts the writes that were answered -UNCERTAIN.
	Uncertain int
	// GaveUp counts the requests of impatient clients that were not answered in time.
	GaveUp int
	// InFlight bounds what may become uncertain: the writes that had been sent and not answered at the strike, and those
	// sent within the window after it.
	InFlight int
	// WritePause and ReadPause are the longest times without a success, in the struck shard.
	WritePause, ReadPause Pause
	// Resumed is the first acknowledged write after each of Marks.Accepts, since that moment; -1: none came.
	Resumed []time.Duration
	// Before, During and After are latencies of reads and writes together, cut at the strike and half a second after
	// everything flowed again.
	Before, During, After Latency
}

// Failed returns the number of errors of all kinds.
func (f *Figures) Failed() (sum int) {
	for _, n := range f.Errors {
		sum += n
	}
	return sum
}

// Phase is a part of a drill with a name, and the latency in it.
type Phase struct {
	Name    string
	Latency Latency
}

// Phases are before, during and after what the drill has broken.
func (f *Figures) Phases() []Phase {
	return []Phase{{"before", f.Before}, {"during", f.During}, {"after", f.After}}
}

// Pause is a time without a success.
type Pause struct{ From, To time.Duration }

// Length returns its duration.
func (p Pause) Length() time.Duration { return p.To - p.From }

// Count returns the Figures of a ledger. window is how long after a strike a request may still have been sent to the
// former primary.
func Count(entries []Entry, m Marks, window time.Duration) Figures {
	f := Figures{Requests: len(entries), Errors: map[string]int{}, Example: map[string]string{}}
	sorted := byDone(entries)
	for i := range sorted {
		f.count(&sorted[i], m, window)
	}
	f.WritePause = longest(sorted, m, func(e *Entry) bool { return e.Struck && e.Kind.Writes() && e.Patience == 0 })
	f.ReadPause = longest(sorted, m, func(e *Entry) bool { return e.Struck && !e.Kind.Writes() })
	calm := m.Struck
	for _, p := range []Pause{f.WritePause, f.ReadPause} {
		if p.Length() > Hiccup {
			calm = max(calm, p.To)
		}
	}
	for _, at := range m.Accepts {
		lag := time.Duration(-1)
		for i := range sorted {
			if e := &sorted[i]; e.Struck && e.Kind.Writes() && e.Outcome == Acknowledged && e.Done >= at {
				lag = e.Done - at
				break
			}
		}
		f.Resumed = append(f.Resumed, lag)
		calm = max(calm, at+lag)
	}
	calm += 500 * time.Millisecond
	phase := func(from, to time.Duration) Latency {
		return Percentiles(sorted, func(e *Entry) bool { return from <= e.Intended && e.Intended < to })
	}
	f.Before = phase(m.Began, m.Struck)
	f.During = phase(m.Struck, calm)
	f.After = phase(calm, m.Ended)
	return f
}

func (f *Figures) count(e *Entry, m Marks, window time.Duration) {
	switch e.Outcome {
	case Acknowledged:
	case Uncertain:
		f.Uncertain++
	case GaveUp:
		f.GaveUp++
	default:
		word := e.Prefix()
		f.Errors[word]++
		if f.Example[word] == "" {
			f.Example[word] = e.Text
		}
	}
	if !e.Kind.Writes() || e.Sent < 0 {
		return
	}
	for _, strike := range m.Strikes {
		if e.Sent <= strike+window && e.Done >= strike {
			f.InFlight++
			return
		}
	}
}

// longest returns the longest time between two successes from Began to Ended; the time before the first and after the
// last one counts too.
func longest(sorted []Entry, m Marks, counts func(*Entry) bool) Pause {
	var pause Pause
	last, any := m.Began, false
	for i := range sorted {
		e := &sorted[i]
		if !counts(e) {
			continue
		}
		any = true
		if e.Outcome != Acknowledged || e.Done < m.Began {
			continue
		}
		if e.Done-last > pause.Length() {
			pause = Pause{last, e.Done}
		}
		last = max(last, e.Done)
	}
	if any && m.Ended-last > pause.Length() {
		pause = Pause{last, m.Ended}
	}
	return pause
}

// latencyMax is the longest latency that is distinguished.
const latencyMax = 10 * time.Minute

func Percentiles(entries []Entry, counts func(*Entry) bool) Latency {
	h := hdrhistogram.New(1, latencyMax.Microseconds(), 3)
	for i := range entries {
		e := &entries[i]
		if e.Outcome != Acknowledged || !counts(e) {
			continue
		}
		_ = h.RecordValue(min(max((e.Done-e.Intended).Microseconds(), 1), latencyMax.Microseconds()))
	}
	at := func(percent float64) time.Duration {
		return time.Duration(h.ValueAtQuantile(percent)) * time.Microsecond
	}
	return Latency{Count: int(h.TotalCount()), P50: at(50), P99: at(99), P999: at(99.9),
		Max: time.Duration(h.Max()) * time.Microsecond}
}

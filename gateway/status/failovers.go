package status

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"evergate/gateway/api"
	"evergate/topology/decide"
)

// Failovers remembers what the events of one service told of its failovers, and what these did to its clients. The zero
// value has seen none. Any goroutine may use it.
type Failovers struct {
	mu  sync.Mutex
	now FailoverHistory
	// suspicions have the steps of what may become a failover.
	suspicions []suspicion
	// calm is the last Tally at which no request waited, calmAt its time, longest the longest wait since then: requests
	// begin to wait when a connection is lost, which may be seconds before the primary is suspected.
	calm    Tally
	calmAt  time.Time
	longest time.Duration
}

// calmFor is for how long a service may have waiting requests before that is no part of a failover.
const calmFor = time.Minute

// suspicion is a primary that is suspected and not held yet.
type suspicion struct {
	number  uint64
	steps   []Step
	before  Tally
	longest time.Duration
}

// FailoverHistory is what is remembered: how many there were, and the newest ones, oldest first.
type FailoverHistory struct {
	// Held counts shards that were held, Switched those that got another primary, Kept those that kept theirs. A failover
	// whose primary seemed to be kept, and that was held again, counts twice.
	Held, Switched, Kept uint64
	Last                 []Failover
}

// failoversKept is how many failovers are remembered; those of a whole cluster come at once.
const failoversKept = 16

// Failover is one that held its shard. Times are since Began; notYet for what has not come.
type Failover struct {
	Number              uint64
	Shard               string
	Began               time.Time
	From, To, Why       string
	Held, Promoted      time.Duration
	Released, Confirmed time.Duration
	Receipt             *decide.Receipt
	// Steps are all events in the order of time, from the suspicion on.
	Steps []Step
	// Before is the last Tally before it at which no request waited, Now the newest one until EffectAfter past its end;
	// Complete: that has passed.
	// Longest is the longest wait of a request for a primary meanwhile.
	Before, Now Tally
	Longest     time.Duration
	Complete    bool
}

// Step is an event while a failover was under way; After is since its beginning.
type Step struct {
	decide.Event
	After time.Duration
}

// stepsMax bounds the steps of one failover: it may last for hours.
const stepsMax = 250

// Tally has the counters of a service that show what a failover does to clients.
type Tally struct {
	Buffered, Resumed, TimedOut, Abandoned, Uncertain, Retried, Rejected, Errors uint64
}

const notYet time.Duration = -1

// Note takes an event of the service.
func (f *Failovers) Note(e decide.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e.Failover == 0 {
		f.beside(e)
		return
	}
	at := slices.IndexFunc(f.now.Last, func(of Failover) bool { return of.Number == e.Failover })
	step := Step{Event: e, After: e.After}
	switch {
	case e.Kind == decide.Held && at < 0:
		f.now.Held++
		if len(f.now.Last) == failoversKept {
			f.now.Last = slices.Delete(f.now.Last, 0, 1)
		}
		was := f.resolve(e.Failover)
		f.now.Last = append(f.now.Last, Failover{Number: e.Failover, Shard: e.Shard, Began: e.Began, From: e.From, Why: e.Why,
			Held: e.After, Promoted: notYet, Released: notYet, Confirmed: notYet, Steps: append(was.steps, step),
			Before: was.before, Now: was.before, Longest: was.longest})
	case at >= 0:
		f.now.Last[at].add(step)
		f.now.step(&f.now.Last[at], e)
	case e.Kind == decide.Released:
		f.resolve(e.Failover)
	default:
		f.suspect(step)
	}
}

// suspect adds a step of what may become a failover.
func (f *Failovers) suspect(step Step) {
	for i := range f.suspicions {
		if s := &f.suspicions[i]; s.number == step.Failover {
			if len(s.steps) < stepsMax {
				s.steps = append(s.steps, step)
			}
			return
		}
	}
	if len(f.suspicions) == failoversKept {
		f.suspicions = slices.Delete(f.suspicions, 0, 1)
	}
	f.suspicions = append(f.suspicions, suspicion{number: step.Failover, steps: []Step{step}, before: f.calm,
		longest: f.longest})
}

// resolve removes and returns a suspicion; one that began with its failover if there was none.
func (f *Failovers) resolve(number uint64) suspicion {
	for i, s := range f.suspicions {
		if s.number == number {
			f.suspicions = slices.Delete(f.suspicions, i, i+1)
			return s
		}
	}
	return suspicion{before: f.calm, longest: f.longest}
}

// beside adds an event that is no step to the failovers that are under way, or may be.
func (f *Failovers) beside(e decide.Event) {
	for i := range f.suspicions {
		if s := &f.suspicions[i]; len(s.steps) < stepsMax {
			s.steps = append(s.steps, Step{Event: e, After: max(0, time.Since(s.steps[0].Began))})
		}
	}
	for i := range f.now.Last {
		if of := &f.now.Last[i]; of.Released == notYet || !of.Complete {
			of.add(Step{Event: e, After: max(0, time.Since(of.Began))})
		}
	}
}

// Sample takes the counters of the service once a second, how many of its requests wait, and the longest wait since the
// last call. It returns the numbers of the failovers whose effect is complete with it.
func (f *Failovers) Sample(now time.Time, t Tally, waiting int, longest time.Duration) (complete []uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.longest = max(f.longest, longest)
	if waiting == 0 || now.Sub(f.calmAt) > calmFor {
		f.calm, f.calmAt, f.longest = t, now, 0
	}
	for i := range f.now.Last {
		of := &f.now.Last[i]
		if of.Complete {
			continue
		}
		of.Now, of.Longest = t, max(of.Longest, longest)
		if of.Released != notYet && now.Sub(of.Began) >= of.Released+api.EffectAfter {
			of.Complete = true
			complete = append(complete, of.Number)
		}
	}
	return complete
}

// add adds a step.
func (f *Failover) add(s Step) {
	if len(f.Steps) < stepsMax {
		f.Steps = append(f.Steps, s)
	}
}

// step takes the next step of a failover.
func (s *FailoverHistory) step(f *Failover, e decide.Event) {
	switch e.Kind {
	case decide.Held:
		if f.Released != notYet {
			s.Held++
			f.To, f.Released, f.Complete = "", notYet, false
		}
	case decide.Promoted:
		f.To, f.Promoted = e.To, e.After
	case decide.Confirmed:
		f.Confirmed = e.After
	case decide.ReceiptGiven:
		f.Receipt = e.Receipt
	case decide.Released:
		if f.Released != notYet {
			return
		}
		f.To, f.Released = e.To, e.After
		if f.To == f.From {
			s.Kept++
		} else {
			s.Switched++
		}
	}
}

// History is a copy of what is remembered.
func (f *Failovers) History() FailoverHistory {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now
	now.Last = slices.Clone(now.Last)
	for i := range now.Last {
		now.Last[i].Steps = slices.Clip(now.Last[i].Steps) // what is added later is not in the copy
	}
	return now
}

// appendHistory appends a service's failovers to INFO, a line each.
func appendHistory(b []byte, s FailoverHistory) []byte {
	b = fmt.Appendf(b, "failovers_started:%d\r\nfailovers_switched:%d\r\nfailovers_aborted:%d\r\n", s.Held,
		s.Switched, s.Kept)
	for _, f := range s.Last {
		b = fmt.Appendf(b, "failover%d:shard=%s,began=%s,reason=%s,from=%s,to=%s", f.Number, f.Shard,
			f.Began.UTC().Format("2006-01-02T15:04:05.000Z"), strings.ReplaceAll(f.Why, ",", ";"), f.From, f.To)
		for _, t := range []struct {
			name  string
			after time.Duration
		}{{"started", f.Held}, {"promoted", f.Promoted}, {"resumed", f.Released}, {"confirmed", f.Confirmed}} {
			if t.after != notYet {
				b = fmt.Appendf(b, ",%s_ms=%d", t.name, t.after.Milliseconds())
			}
		}
		if f.Receipt != nil {
			lost := "unknown"
			if f.Receipt.Proven {
				lost = fmt.Sprint(f.Receipt.Lost)
			}
			b = fmt.Appendf(b, ",acknowledged=%d,lost_at_most=%s", f.Receipt.Acked, lost)
		}
		b = append(b, "\r\n"...)
	}
	return b
}

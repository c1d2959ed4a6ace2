package status

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"evergate/topology/decide"
)

// Failovers remembers what the events of one service told of its failovers. The zero value has seen none. Any goroutine
// may use it.
type Failovers struct {
	mu  sync.Mutex
	now FailoverHistory
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
}

const notYet time.Duration = -1

// Note takes an event of the service.
func (f *Failovers) Note(e decide.Event) {
	if e.Failover == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	at := slices.IndexFunc(f.now.Last, func(of Failover) bool { return of.Number == e.Failover })
	switch {
	case e.Kind == decide.Held && at < 0:
		f.now.Held++
		if len(f.now.Last) == failoversKept {
			f.now.Last = slices.Delete(f.now.Last, 0, 1)
		}
		f.now.Last = append(f.now.Last, Failover{Number: e.Failover, Shard: e.Shard, Began: e.Began, From: e.From, Why: e.Why,
			Held: e.After, Promoted: notYet, Released: notYet, Confirmed: notYet})
	case at >= 0:
		f.now.step(&f.now.Last[at], e)
	}
}

// step takes the next step of a failover.
func (s *FailoverHistory) step(f *Failover, e decide.Event) {
	switch e.Kind {
	case decide.Held:
		if f.Released != notYet {
			s.Held++
			f.To, f.Released = "", notYet
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

// Told is a copy of what is remembered.
func (f *Failovers) History() FailoverHistory {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now
	now.Last = slices.Clone(now.Last)
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

package servers

import (
	"sync"
	"time"
)

// Stalls records when this process did not get to run. On a machine that stands still for a moment, or whose processors
// others have, promised times pass without a fault of the gateway.
type Stalls struct {
	mu sync.Mutex
	// lost are the times that passed without a turn of the recorder, last is its last turn; guarded by mu.
	lost []stall
	last time.Time
}

// stall is a time in which this process did not run.
type stall struct{ from, to time.Time }

// stallTick is how often the recorder has a turn.
const stallTick = 5 * time.Millisecond

// RecordStalls records until the test ends.
func RecordStalls(t T) *Stalls {
	s := &Stalls{last: time.Now()}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(stallTick)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				s.turn(time.Now())
			case <-stop:
				return
			}
		}
	}()
	t.Cleanup(func() {
		close(stop)
		<-done
	})
	return s
}

// turn records a turn, and what was lost if it is late.
func (s *Stalls) turn(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if due := s.last.Add(stallTick); now.Sub(due) > stallTick {
		s.lost = append(s.lost, stall{due, now})
	}
	s.last = now
}

// Awake returns how much of the time between two moments this process had.
func (s *Stalls) Awake(from, to time.Time) time.Duration {
	s.turn(time.Now()) // a stall may just be over
	s.mu.Lock()
	defer s.mu.Unlock()
	had := to.Sub(from)
	for _, l := range s.lost {
		if l.from.Before(from) {
			l.from = from
		}
		if l.to.After(to) {
			l.to = to
		}
		had -= max(0, l.to.Sub(l.from))
	}
	return had
}

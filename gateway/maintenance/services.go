package maintenance

import "time"

// Services has what all workers together know of holds: a service is held while any of them holds requests of it. Its
// clients get one FAILING_OVER and one FAILED_OVER, however many workers and shards are concerned: libraries count the
// former, or take back their timeouts at the first of the latter. It is not safe for concurrent use.
type Services struct {
	holding []int // workers, by service
	last    int64
}

// NewServices returns the Services of so many. More may come.
func NewServices(n int) *Services { return &Services{holding: make([]int, n)} }

// Held takes in that a worker begins to hold requests of a service, or ends it. ok reports whether the clients are to
// be notified. now is the time of day.
func (s *Services) Held(service int, held bool, now time.Time) (n Notice, ok bool) {
	for service >= len(s.holding) {
		s.holding = append(s.holding, 0)
	}
	was := s.holding[service] > 0
	n.Kind = FailedOver
	if held {
		s.holding[service]++
		n.Kind = FailingOver
	} else {
		s.holding[service]--
	}
	if was == (s.holding[service] > 0) {
		return Notice{}, false
	}
	n.Seq = s.Next(now)
	return n, true
}

// Next returns the number of the next notice. It rises over restarts, and from gateway to gateway, as the time of day
// does: a client may come from another gateway, and must not take a new notice for one that it has handled.
func (s *Services) Next(now time.Time) int64 {
	s.last = max(s.last+1, now.UnixMilli())
	return s.last
}

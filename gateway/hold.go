package gateway

import (
	"time"

	"evergate/gateway/facade"
	"evergate/gateway/worker"
)

// Hold says what becomes of a request that no server can take now, as of a shard without a primary: it is a worker's
// Hold, with words. The zero value is HoldAuto.
type Hold worker.Hold

// The modes of a Hold.
const (
	HoldAuto   = worker.HoldAuto
	HoldFor    = worker.HoldFor
	HoldOff    = worker.HoldOff
	HoldDryRun = worker.HoldDryRun
)

// HoldWords are the modes that one word says.
var HoldWords = map[string]worker.HoldMode{"auto": HoldAuto, "off": HoldOff, "dry-run": HoldDryRun}

func (h Hold) String() string {
	for word, mode := range HoldWords {
		if h.Mode == mode {
			return word
		}
	}
	return h.Window.String()
}

// Longest is how long a request waits at most where the topology tells downAfter, or zero when it does not tell. A test
// holds it against the worker.
func (h Hold) Longest(downAfter time.Duration) time.Duration {
	switch h.Mode {
	case HoldAuto:
		return min(max(downAfter+10*time.Second, 10*time.Second), 60*time.Second)
	case HoldFor:
		return h.Window
	}
	return 0
}

// HoldAt is the hold of one of the service's listeners.
func (s *Service) HoldAt(listen string) Hold {
	if h, own := s.ListenHold[listen]; own {
		return h
	}
	return s.Hold
}

// doors gives each listener, in the order of the Config, the number under which the workers know where its clients come
// in: that of the service, or one behind all parts where the listener has a hold of its own or a facade. The faces of
// the latter have no addresses yet.
func (c *Config) doors() (numbers []int, own []worker.Door) {
	parts := c.parts()
	for i := range c.Services {
		s := &c.Services[i]
		for _, listen := range s.Listen {
			pretends := s.FacadeAt(listen)
			if _, isOwn := s.ListenHold[listen]; !isOwn && pretends == FacadeNone {
				numbers = append(numbers, i)
				continue
			}
			door := worker.Door{Service: partOf(parts, i, pretends), Hold: worker.Hold(s.HoldAt(listen))}
			if pretends != FacadeNone {
				door.Face = &facade.Face{Kind: faceKinds[pretends]}
			}
			numbers = append(numbers, len(parts)+len(own))
			own = append(own, door)
		}
	}
	return numbers, own
}

// share is what each of several workers may have of a limit of the whole.
func share[T int | int64](whole T, workers int) int {
	return int((whole + T(workers) - 1) / T(workers))
}

package config

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"evergate/gateway/acks"
)

// AcksTimeoutDefault is the default of Service.AcksTimeout.
const AcksTimeoutDefault = time.Second

// Acks is how the writes of a service are confirmed by replicas before clients get their replies.
type Acks struct {
	// Level is how many replicas must confirm a write. Default acks.None. ListenLevel overrides it for single listeners,
	// keyed by their text in Listen.
	Level       acks.Level
	ListenLevel map[string]acks.Level
	// Timeout is how long a write waits for them before its outcome counts as unknown. Default AcksTimeoutDefault.
	// ListenTimeout overrides it for single listeners.
	Timeout       time.Duration
	ListenTimeout map[string]time.Duration
}

// SetLevel sets how many replicas must confirm a write: at all listeners, and at those of the map.
func (a *Acks) SetLevel(level acks.Level, at map[string]acks.Level) {
	a.Level, a.ListenLevel = level, at
}

// SetTimeout sets how long a write waits for them: at all listeners unless that is zero, and at those of the map.
func (a *Acks) SetTimeout(timeout time.Duration, at map[string]time.Duration) {
	if timeout != 0 {
		a.Timeout = timeout
	}
	a.ListenTimeout = at
}

// At returns the terms of one of the service's listeners.
func (a *Acks) At(listen string) acks.Terms {
	t := acks.Terms{Level: a.Level, Timeout: a.Timeout}
	if level, own := a.ListenLevel[listen]; own {
		t.Level = level
	}
	if timeout, own := a.ListenTimeout[listen]; own {
		t.Timeout = timeout
	}
	return t
}

// acks checks how writes are confirmed.
func (v *validation) acks(s *Service) {
	v.acksLevel(s, "", s.Acks.Level)
	v.acksTimeout("", s.Acks.Timeout)
	for _, listen := range slices.Sorted(maps.Keys(s.Acks.ListenLevel)) {
		v.acksListener(s, "acks", listen)
		v.acksLevel(s, listen, s.Acks.ListenLevel[listen])
	}
	for _, listen := range slices.Sorted(maps.Keys(s.Acks.ListenTimeout)) {
		v.acksListener(s, "acks-timeout", listen)
		v.acksTimeout(listen, s.Acks.ListenTimeout[listen])
	}
}

// acksLevel checks how many replicas must confirm a write. Only a list in the settings tells how many there are: else
// writes are rejected while too few are attached.
func (v *validation) acksLevel(s *Service, listen string, level acks.Level) {
	switch n := len(s.Replicas); {
	case level < acks.All || level > acks.Most:
		v.fault(Fault{Setting: "acks", Item: listen, Text: fmt.Sprintf("%d is not between 0 and %d", level, acks.Most)})
	case n > 0 && int(level) > n:
		v.fault(Fault{Setting: "acks", Item: listen, Other: "replica",
			Text: fmt.Sprintf("%v replicas must confirm each write, and replica names only %d", level, n)})
	}
}

func (v *validation) acksTimeout(listen string, d time.Duration) {
	if d < time.Millisecond || d > longest {
		v.fault(Fault{Setting: "acks-timeout", Item: listen,
			Text: fmt.Sprintf("%v is not between %v and %v", d, time.Millisecond, longest)})
	}
}

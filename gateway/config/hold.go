package config

import (
	"time"

	"evergate/gateway/session"
)

// Hold is the policy for a request that no server can take now, for example of a shard without a primary: a worker's
// Hold, with a text form. The zero value is HoldAuto.
type Hold session.Hold

// The modes of a Hold.
const (
	HoldAuto   = session.HoldAuto
	HoldFor    = session.HoldFor
	HoldOff    = session.HoldOff
	HoldDryRun = session.HoldDryRun
)

// HoldWords are the modes that are written as one word.
var HoldWords = map[string]session.HoldMode{"auto": HoldAuto, "off": HoldOff, "dry-run": HoldDryRun}

func (h Hold) String() string {
	for word, mode := range HoldWords {
		if h.Mode == mode {
			return word
		}
	}
	return h.Window.String()
}

// Longest is how long a request waits at most if the topology's down-after is downAfter; zero stands for unknown. A
// test holds it against the worker.
func (h Hold) Longest(downAfter time.Duration) time.Duration {
	switch h.Mode {
	case HoldAuto:
		return min(max(downAfter+10*time.Second, 10*time.Second), 60*time.Second)
	case HoldFor:
		return h.Window
	}
	return 0
}

// HoldAt returns the hold of one of the service's listeners.
func (s *Service) HoldAt(listen string) Hold {
	if h, own := s.ListenHold[listen]; own {
		return h
	}
	return s.Hold
}

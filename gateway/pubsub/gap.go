package pubsub

import (
	"time"

	"evergate/gateway/fanout"
	"evergate/gateway/session"
)

// Gap is a time in which messages may have been missed, as one worker has seen it.
type Gap struct {
	For       time.Duration
	Topics    int // interrupted
	Listeners int // of these topics
}

// gapBegins records that topics with listeners were interrupted at the time since. All are counted before the first
// listener is closed, since one may listen to several.
func (s *Subscriptions) gapBegins(topics []*fanout.Topic, since time.Duration) {
	for _, t := range topics {
		if len(t.Listeners()) == 0 {
			continue
		}
		if s.gapSince == 0 {
			s.gapSince, s.gap = max(since, 1), Gap{}
			s.pubsub.counts.Gaps++
		}
		s.gap.Topics++
		s.gap.Listeners += len(t.Listeners())
	}
	if s.closeOnGap {
		for _, t := range topics {
			s.pubsub.closeListeners(t, session.Gap)
		}
	}
}

// gapMayEnd ends the gap when every topic is subscribed again.
func (s *Subscriptions) gapMayEnd() {
	if s.gapSince == 0 || s.hub.Pending() > 0 {
		return
	}
	s.gap.For = s.pubsub.Clock.Now - s.gapSince
	s.gapSince = 0
	s.pubsub.counts.GapMillis += uint64(s.gap.For.Milliseconds())
	s.pubsub.GapEnded(s.Of, s.gap)
}

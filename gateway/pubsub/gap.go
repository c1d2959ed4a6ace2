package pubsub

import (
	"time"

	"evergate/gateway/fanout"
	"evergate/gateway/session"
)

// Gap is a time in which messages may have been missed, as one worker has seen it.
type Gap struct {
	For       time.Duration
	Topics    int // that were interrupted
	Listeners int // to them
}

// gapBegins takes note that topics are interrupted which somebody listens to. All are counted before the first listener
// is closed, who may be one of several.
func (s *Subscriptions) gapBegins(topics []*fanout.Topic, since time.Duration) {
	for _, t := range topics {
		if len(t.Listeners()) == 0 {
			continue
		}
		if s.gapSince == 0 {
			s.gapSince, s.gap = max(since, 1), Gap{}
			s.pubsub.counts.FeedGaps++
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

// gapMayEnd ends a gap when everything is subscribed again.
func (s *Subscriptions) gapMayEnd() {
	if s.gapSince == 0 || s.hub.Pending() > 0 {
		return
	}
	s.gap.For = s.pubsub.Clock.Now - s.gapSince
	s.gapSince = 0
	s.pubsub.counts.FeedGapMillis += uint64(s.gap.For.Milliseconds())
	s.pubsub.GapEnded(s.Index, s.gap)
}

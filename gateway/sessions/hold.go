package sessions

import (
	"time"

	"evergate/gateway/session"
)

const (
	// autoMin, autoMax and autoMore make the window of session.HoldAuto out of topology.View.DownAfter.
	autoMin  = 10 * time.Second
	autoMax  = 60 * time.Second
	autoMore = 10 * time.Second
)

// Window is for how long requests may be buffered under a hold; 0 for not at all.
func (s *Service) Window(hold session.Hold) time.Duration {
	switch hold.Mode {
	case session.HoldFor:
		return hold.Window
	case session.HoldAuto:
		return s.autoWindow()
	}
	return 0
}

// Window is for how long a request of this client may be buffered; 0 for not at all.
func (c *Session) Window() time.Duration { return c.Service.Window(c.terms.Hold) }

// Patience is for how long this client may wait for what ends by itself, whether requests are buffered or not.
func (c *Session) Patience() time.Duration {
	if window := c.Window(); window > 0 {
		return window
	}
	return c.Service.autoWindow()
}

// autoWindow is the window of session.HoldAuto.
func (s *Service) autoWindow() time.Duration {
	window := autoMore
	if s.View != nil {
		window += s.View.DownAfter
	}
	return min(max(window, autoMin), autoMax)
}

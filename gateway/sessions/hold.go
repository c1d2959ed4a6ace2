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

// Window is for how long a request of this client may be buffered; 0 for not at all.
func (c *Session) Window() time.Duration {
	switch hold := &c.terms.Hold; hold.Mode {
	case session.HoldFor:
		return hold.Window
	case session.HoldAuto:
		return c.Service.autoWindow()
	}
	return 0
}

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

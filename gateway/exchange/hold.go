package exchange

import "time"

// HoldMode is what becomes of a request that no server can take now.
type HoldMode uint8

const (
	// HoldAuto buffers it for as long as a failover usually takes: the time after which the servers declare one of them
	// down, and 10 s more; at least 10 s and at most a minute.
	HoldAuto HoldMode = iota
	// HoldFor buffers it for Hold.Window.
	HoldFor
	// HoldOff answers it with -LOADING at once.
	HoldOff
	// HoldDryRun does as HoldOff, and counts the requests that would have been buffered.
	HoldDryRun
)

// Hold is for how long the requests of a service, or of one of its listeners, are buffered.
type Hold struct {
	Mode HoldMode
	// Window is that of HoldFor; it must be positive.
	Window time.Duration
}

const (
	// autoMin, autoMax and autoMore make the window of HoldAuto out of topology.View.DownAfter.
	autoMin  = 10 * time.Second
	autoMax  = 60 * time.Second
	autoMore = 10 * time.Second
)

// window is for how long a request of this client may be buffered; 0 for not at all.
func (c *Session) window() time.Duration {
	switch c.hold.Mode {
	case HoldFor:
		return c.hold.Window
	case HoldAuto:
		return c.Service.autoWindow()
	}
	return 0
}

// Patience is for how long this client may wait for what ends by itself, whether requests are buffered or not.
func (c *Session) Patience() time.Duration {
	if window := c.window(); window > 0 {
		return window
	}
	return c.Service.autoWindow()
}

// autoWindow is the window of HoldAuto.
func (s *Service) autoWindow() time.Duration {
	window := autoMore
	if s.View != nil {
		window += s.View.DownAfter
	}
	return min(max(window, autoMin), autoMax)
}

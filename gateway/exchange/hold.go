package exchange

import "time"

// HoldMode says what becomes of a request that no server can take now.
type HoldMode uint8

const (
	// HoldAuto has it wait for as long as a failover usually takes: the servers' own limit and 10 s more, between 10 s and
	// a minute.
	HoldAuto HoldMode = iota
	// HoldFor has it wait for Hold.Window.
	HoldFor
	// HoldOff refuses it at once.
	HoldOff
	// HoldDryRun refuses it at once, and counts what would have waited.
	HoldDryRun
)

// Hold is how long the requests of a service, or of one of its listeners, wait for a server that can take them.
type Hold struct {
	Mode HoldMode
	// Window of HoldFor; it must be positive.
	Window time.Duration
}

const (
	// autoMin, autoMax and autoMore make the window of HoldAuto out of topology.View.DownAfter.
	autoMin  = 10 * time.Second
	autoMax  = 60 * time.Second
	autoMore = 10 * time.Second
)

// window is how long a request of this client may wait for its shard; 0 for not at all.
func (c *Session) window() time.Duration {
	switch c.hold.Mode {
	case HoldFor:
		return c.hold.Window
	case HoldAuto:
		return c.Service.autoWindow()
	}
	return 0
}

// Patience is how long this client may wait for what passes by itself, whether requests are held or not.
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

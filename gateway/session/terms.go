package session

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

// Hold is for how long requests are buffered.
type Hold struct {
	Mode HoldMode
	// Window is that of HoldFor; it must be positive.
	Window time.Duration
}

package sessions

import (
	"evergate/gateway/session"
	"evergate/gateway/wait"
)

// Totals are the counters of Sessions since its start.
type Totals struct {
	ClientsOpened uint64
	// ClientsClosed counts by the session.CloseReason.
	ClientsClosed  [session.CloseReasons]uint64
	ClientOutBytes uint64
	// Local are the requests that the gateway answered itself.
	Local uint64
	// Refused are those that got an error of the gateway before anything was sent.
	Refused uint64
	// BlockedFor counts how often sessions were blocked, by the reason.
	BlockedFor [wait.Reasons]uint64
	// Holds and HoldsEnded are buffers that began and ended. Held are the requests that had to wait; Held =
	// HoldReleased + HoldExpired + HoldLeft + those that wait now. HoldRefused were answered at once because another
	// had waited for as long, HoldOverfull because too many waited; WouldHaveHeld would have waited without HoldDryRun.
	Holds         uint64
	HoldsEnded    uint64
	Held          uint64
	HoldReleased  uint64
	HoldExpired   uint64
	HoldLeft      uint64
	HoldRefused   uint64
	HoldOverfull  uint64
	WouldHaveHeld uint64
	// Delivered are the messages that were written to clients, counted once for each client.
	Delivered uint64
}

// Counts returns the counters.
func (x *Sessions) Counts() Totals { return x.totals }

// CountLocal counts a request that the gateway answered by other means than AnswerLocal.
func (x *Sessions) CountLocal(c *Session) {
	x.totals.Local++
	c.Service.counts.Local++
}

// CountRefused counts a request that got an error of the gateway by other means than Refuse.
func (x *Sessions) CountRefused(c *Session) { c.Service.countRefused() }

// CountDryRun counts a request that would have waited for a server without HoldDryRun.
func (x *Sessions) CountDryRun() { x.totals.WouldHaveHeld++ }

package exchange

import (
	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
)

// Totals are an Exchange's counters since its start.
type Totals struct {
	ClientsOpened  uint64
	ClientsClosed  [session.TooMany + 1]uint64
	ClientOutBytes uint64
	// Requests sent to servers, by the connection's purpose.
	Requests [upstream.Purposes]uint64
	// Local were answered by the gateway itself.
	Local uint64
	// Refused got an error of the gateway's own, before anything was sent.
	Refused uint64
	// Suspected were asked of the primary again because a replica of a cluster said that something was missing.
	Suspected uint64
	Retried   uint64
	// PopsRetried are blocking pops that were sent again after their connection was lost: each may have taken an element
	// that nobody has seen.
	PopsRetried uint64
	Uncertain   uint64
	OutOfOrder  uint64
	// Withheld are replies to writes of demoted primaries, WithheldReleased those of them that were passed on; the others
	// count as Uncertain, or their clients left.
	Withheld         uint64
	WithheldReleased uint64
	BlockedFor       [wait.Reasons]uint64
	// Holds begun and ended. Requests that had to wait in one: Held = HoldReleased + HoldExpired + HoldLeft + those that
	// wait now. HoldRefused were refused at once because another had waited as long, HoldOverfull because too many
	// waited; WouldHaveHeld were refused where the setting is HoldDryRun.
	Holds         uint64
	HoldsEnded    uint64
	Held          uint64
	HoldReleased  uint64
	HoldExpired   uint64
	HoldLeft      uint64
	HoldRefused   uint64
	HoldOverfull  uint64
	WouldHaveHeld uint64
	// ReadElsewhere are the reads that were sent on from connections that fell silent.
	ReadElsewhere uint64
	// Delivered are messages that were given to clients, each counted for each of its listeners.
	Delivered uint64
}

// Totals returns the counters.
func (x *Exchange) Totals() Totals { return x.totals }

// CountLocal counts a request that is answered here in another way.
func (x *Exchange) CountLocal() { x.totals.Local++ }

// CountRefused counts a request that gets the gateway's own error before anything was sent.
func (x *Exchange) CountRefused() { x.totals.Refused++ }

// CountUncertain counts a reply that says that nobody knows what became of a write.
func (x *Exchange) CountUncertain() { x.totals.Uncertain++ }

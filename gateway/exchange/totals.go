package exchange

import (
	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
)

// Totals are the counters of an Exchange since its start.
type Totals struct {
	ClientsOpened uint64
	// ClientsClosed counts by the session.CloseReason.
	ClientsClosed  [session.CloseReasons]uint64
	ClientOutBytes uint64
	// Requests that were sent to servers, by the purpose of the connection.
	Requests [upstream.Purposes]uint64
	// Local are the requests that the gateway answered itself.
	Local uint64
	// Refused are those that got an error of the gateway before anything was sent.
	Refused uint64
	// Suspected are the reads that were retried on the primary because a replica of a cluster replied that something is
	// missing.
	Suspected uint64
	// Retried are the requests that were retried since their connection was lost, or held up by a client that reads
	// slowly.
	Retried uint64
	// PopsRetried are the blocking pops that were retried after their connection was lost: each may have taken an
	// element that no client received.
	PopsRetried uint64
	// Uncertain are the replies that the outcome of a write is unknown, OutOfOrder those that a request can no longer
	// be executed in order.
	Uncertain  uint64
	OutOfOrder uint64
	// Withheld are the replies to writes of demoted primaries that were withheld, WithheldReleased those of them that
	// were passed on. The others count as Uncertain, or their clients left.
	Withheld         uint64
	WithheldReleased uint64
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
	// ReadElsewhere are the reads that were moved off silent connections.
	ReadElsewhere uint64
	// Delivered are the messages that were written to clients, counted once for each client.
	Delivered uint64
}

// Totals returns the counters.
func (x *Exchange) Totals() Totals { return x.totals }

// CountLocal counts a request that the gateway answered by other means than AnswerLocal.
func (x *Exchange) CountLocal() { x.totals.Local++ }

// CountRefused counts a request that got an error of the gateway by other means than Refuse.
func (x *Exchange) CountRefused() { x.totals.Refused++ }

// CountUncertain counts an -UNCERTAIN that another room answered.
func (x *Exchange) CountUncertain() { x.totals.Uncertain++ }

package exchange

import (
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
)

// Totals are the counters of an Exchange, and of its sessions, since its start.
type Totals struct {
	sessions.Totals
	// Requests that were sent to servers, by the purpose of the connection.
	Requests [upstream.Purposes]uint64
	// Suspected are the reads that were retried on the primary because a replica of a cluster replied that something is
	// missing, or any replica did not permit them.
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
	// ReadElsewhere are the reads that were moved off silent connections.
	ReadElsewhere uint64
	// Hedges are the reads that were sent to a second replica.
	Hedges sessions.HedgeCounts
}

// Totals returns the counters.
func (x *Exchange) Totals() Totals {
	t := x.totals
	t.Totals = x.Counts()
	return t
}

// CountUncertain counts an -UNCERTAIN that another room answered.
func (x *Exchange) CountUncertain(s *sessions.Service) {
	x.totals.Uncertain++
	s.CountUncertain()
}

// countRetried counts a request of a client that is sent again.
func (x *Exchange) countRetried(c *sessions.Session) {
	x.totals.Retried++
	c.Service.CountRetried()
}

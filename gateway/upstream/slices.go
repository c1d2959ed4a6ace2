package upstream

import "time"

// A server reads what lies in a socket in one go, and serves nobody meanwhile: megabytes take it milliseconds. So
// while others use the same server a connection's long request is handed over in slices, with time between them,
// however fast the socket would take it. While nobody does it goes as fast as the server reads; whoever comes then
// waits for what lies in the socket by that moment. Of other workers' clients a worker knows nothing: they wait as
// they would for a client of the server's own.

const (
	// SliceBytes are written at once while others use the server, and nothing more for sliceEvery: 256 MiB a second.
	SliceBytes = 256 << 10
	SliceEvery = time.Millisecond
	// SlicePatience is the longest that a slice waits for the server to answer somebody else.
	SlicePatience = 10 * time.Millisecond
	// OthersFor is how long after the last request of others more of them are expected.
	OthersFor = 20 * time.Millisecond
	// WideBytes are written in one round while nobody else uses the server: this worker's other clients want to be served.
	WideBytes = 2 << 20
)

// slice returns the next slice of a connection's long request; nothing while it is not time for it.
func (p *Pool) slice(l *Conn) []byte {
	at, size := p.sliceAt(l)
	if p.Clock.Now < at {
		p.Clock.At(at)
		return nil
	}
	b := l.Queue.Unsent()
	return b[:min(len(b), size)]
}

// sliceAt is when to look for the next slice, and how large that is.
func (p *Pool) sliceAt(l *Conn) (at time.Duration, size int) {
	others, unanswered := p.othersUse(l)
	if !others {
		return l.SlicedAt + 1, WideBytes
	}
	at = l.SlicedAt + SliceEvery
	if p.Clock.Now >= at && p.Clock.Now < l.SlicedAt+SlicePatience && unanswered {
		at = p.Clock.Now + SliceEvery
	}
	return at, SliceBytes
}

// othersUse says that others use the same server on another connection, and whether it has not answered since it was
// given the last slice: it may not have read that yet. Dedicated connections do not count: blocking commands wait
// there.
func (p *Pool) othersUse(l *Conn) (others, unanswered bool) {
	if l.Key.Purpose == Dedicated {
		return true, false
	}
	for key, set := range p.sets {
		if key.Service != l.Key.Service || key.Node != l.Key.Node || key.Purpose > Replica {
			continue
		}
		for _, other := range set.conns {
			if other == l || other.Busy() || other.State != Open {
				continue
			}
			awaits := other.Awaits()
			others = others || awaits || p.Clock.Now-other.UsedAt < OthersFor
			unanswered = unanswered || awaits && other.WaitsFrom <= l.SlicedAt
		}
	}
	return others, unanswered
}

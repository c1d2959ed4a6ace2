package upstream

import "time"

// A server reads all that is in a socket in one go, and serves no other client meanwhile: megabytes take milliseconds.
// So while others use the same server, a long request is written in slices, with time between them, however fast the
// socket would take it. While nothing else uses the server it is written as fast as the server reads; a request that
// comes then waits for what is in the socket by that moment. A worker does not know about the clients of other workers:
// these wait as they would for a client of the server.

const (
	// SliceBytes are written at once while others use the server, and nothing more for SliceEvery: 256 MiB/s.
	SliceBytes = 256 << 10
	SliceEvery = time.Millisecond
	// SlicePatience is the longest that a slice waits for the server to answer others.
	SlicePatience = 10 * time.Millisecond
	// OthersFor is how long after the last request of others more of them are expected.
	OthersFor = 20 * time.Millisecond
	// WideBytes are written in one round while nothing else uses the server: the worker has other clients to serve.
	WideBytes = 2 << 20
)

// slice returns what is left of the slice of a connection's long request that was begun in this round, or the next one;
// none while it is not time for one. A slice may be several writes: TLS encrypts a part of it at a time.
func (l *Conn) slice(p *Pool) []byte {
	if l.sliceLeft == 0 || l.SlicedAt != p.Clock.Now {
		at, size := l.sliceAt(p)
		if p.Clock.Now < at {
			p.Clock.At(at)
			return nil
		}
		l.SlicedAt, l.sliceLeft = p.Clock.Now, size
	}
	b := l.Queue.Unsent()
	return b[:min(len(b), l.sliceLeft)]
}

// sliceAt returns when the next slice may be written, and its size in bytes.
func (l *Conn) sliceAt(p *Pool) (at time.Duration, size int) {
	others, unanswered := l.othersUse(p)
	if !others {
		return l.SlicedAt + 1, WideBytes
	}
	at = l.SlicedAt + SliceEvery
	if p.Clock.Now >= at && p.Clock.Now < l.SlicedAt+SlicePatience && unanswered {
		at = p.Clock.Now + SliceEvery
	}
	return at, SliceBytes
}

// othersUse reports whether other connections use the same server, and whether one of them was not answered since the
// last slice was written: the server may not have read that yet. Dedicated connections do not count, since blocking
// commands wait there.
func (l *Conn) othersUse(p *Pool) (others, unanswered bool) {
	if l.Key.Purpose == Dedicated {
		return true, false
	}
	for key, set := range p.sets {
		if key.Service != l.Key.Service || key.Node != l.Key.Node || key.Purpose > Replica && key.Purpose != Acked {
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

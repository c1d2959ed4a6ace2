package worker

import (
	"time"

	"evergate/gateway/backend"
)

// A server reads what lies in a socket in one go, and serves nobody meanwhile: megabytes take it milliseconds. So while
// others use the same server a lane's long request is handed over in slices, with time between them, however fast the
// socket would take it. While nobody does it goes as fast as the server reads; whoever comes then waits for what lies
// in the socket by that moment. Of other workers' clients a worker knows nothing: they wait as they would for a client
// of the server's own.

const (
	// sliceBytes are written at once while others use the server, and nothing more for sliceEvery: 256 MiB a second.
	sliceBytes = 256 << 10
	sliceEvery = time.Millisecond
	// slicePatience is the longest that a slice waits for the server to answer somebody else.
	slicePatience = 10 * time.Millisecond
	// othersFor is how long after the last request of others more of them are expected.
	othersFor = 20 * time.Millisecond
	// wideBytes are written in one round while nobody else uses the server: this worker's other clients want to be served.
	wideBytes = 2 << 20
)

// slice returns the next slice of a lane's long request; nothing while it is not time for it.
func (w *Worker) slice(l *backend.Lane) []byte {
	at, size := w.sliceAt(l)
	if w.clock.Now < at {
		w.clock.At(at)
		return nil
	}
	b := l.Queue.Unsent()
	return b[:min(len(b), size)]
}

// sliceAt is when to look for the next slice, and how large that is.
func (w *Worker) sliceAt(l *backend.Lane) (at time.Duration, size int) {
	others, unanswered := w.othersUse(l)
	if !others {
		return l.SlicedAt + 1, wideBytes
	}
	at = l.SlicedAt + sliceEvery
	if w.clock.Now >= at && w.clock.Now < l.SlicedAt+slicePatience && unanswered {
		at = w.clock.Now + sliceEvery
	}
	return at, sliceBytes
}

// othersUse says that others use the same server on another lane, and whether it has not answered since it was given
// the last slice: it may not have read that yet. Private lanes do not count: blocking commands wait there.
func (w *Worker) othersUse(l *backend.Lane) (others, unanswered bool) {
	if l.Key.Purpose == backend.Private {
		return true, false
	}
	for key, set := range w.sets {
		if key.Service != l.Key.Service || key.Node != l.Key.Node || key.Purpose > backend.Replica {
			continue
		}
		for _, other := range set.lanes {
			if other == l || other.Busy() || other.State != backend.Open {
				continue
			}
			awaits := other.Awaits()
			others = others || awaits || w.clock.Now-other.UsedAt < othersFor
			unanswered = unanswered || awaits && other.WaitsFrom <= l.SlicedAt
		}
	}
	return others, unanswered
}

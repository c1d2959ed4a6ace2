package worker

import (
	"time"

	"evergate/gateway/backend"
)

// A server reads what lies in a socket in one go, and serves nobody meanwhile: megabytes take it milliseconds. So a
// lane's long request is handed over in slices, with time between them for those who are on other lanes, however fast
// the socket would take it.

const (
	// sliceBytes are written at once, and nothing more for sliceEvery: 64 MiB a second.
	sliceBytes = 64 << 10
	sliceEvery = time.Millisecond
	// slicePatience is the longest that a slice waits for the server to answer somebody else.
	slicePatience = 10 * time.Millisecond
)

// slice returns the next slice of a lane's long request; nothing while it is not time for it.
func (w *Worker) slice(l *backend.Lane) []byte {
	if at := w.sliceAt(l); w.now < at {
		w.at(at)
		return nil
	}
	b := l.Queue.Unsent()
	return b[:min(len(b), sliceBytes)]
}

// sliceAt is when to look for the next slice.
func (w *Worker) sliceAt(l *backend.Lane) time.Duration {
	at := l.SlicedAt + sliceEvery
	if w.now >= at && w.now < l.SlicedAt+slicePatience && w.othersWait(l) {
		return w.now + sliceEvery
	}
	return at
}

// othersWait says that a server has not answered those who wait on another lane since it was given the last slice: it
// may not have read that yet. Private lanes do not count, since blocking commands wait on them.
func (w *Worker) othersWait(l *backend.Lane) bool {
	if l.Key.Purpose == backend.Private {
		return false
	}
	for _, other := range w.sets[l.Key].lanes {
		if other != l && !other.Busy() && other.Awaits() && other.WaitsFrom <= l.SlicedAt {
			return true
		}
	}
	return false
}

package worker

import (
	"time"

	"evergate/gateway/backend"
)

// A server that has been sent more than it has answered gains nothing from a write for each little thing that clients
// send meanwhile: it reads them later, in one go. So they wait in the gateway until it answers something, which it does
// before it reads again, or for a millisecond. That costs at most the way there and back, and spares doubt when the
// server dies: what it was not sent is retried.

const (
	// readsBytes is how much a server reads at a time.
	readsBytes = 16 << 10
	// ampleBytes is how much a server must have been sent and not have answered that less than it reads at a time waits
	// for its next reply.
	ampleBytes = 2 * readsBytes
	// ampleFor is the longest that it waits.
	ampleFor = time.Millisecond
)

// ample says that a server has enough to do, so that what is to be written can wait until more has come together: a
// write for each client that has sent something would be no use to anybody, and what a server has not been sent is
// not lost when it dies.
func (w *Worker) ample(l *backend.Lane) bool {
	pending := l.Queue.Pending()
	if pending == 0 || pending >= readsBytes || l.Queue.Held()-pending < ampleBytes {
		return false
	}
	if l.WriteAt == 0 {
		l.WriteAt = w.clock.Now + ampleFor
	}
	if w.clock.Now >= l.WriteAt {
		return false
	}
	w.clock.At(l.WriteAt) // each time: a timer that rings earlier forgets it
	return true
}

// answersSomething lets what waits for that be written.
func (w *Worker) answersSomething(l *backend.Lane) {
	if l.WriteAt > 0 {
		l.WriteAt = w.clock.Now
		w.dirtyLane(l)
	}
}

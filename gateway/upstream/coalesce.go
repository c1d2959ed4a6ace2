package upstream

import "time"

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

// Coalesces reports whether what is to be written waits for more to come, until the time WriteAt: the server has enough
// to do.
func (l *Conn) Coalesces(now time.Duration) bool {
	pending := l.Queue.Pending()
	if pending == 0 || pending >= readsBytes || l.Queue.Held()-pending < ampleBytes {
		return false
	}
	if l.WriteAt == 0 {
		l.WriteAt = now + ampleFor
	}
	return now < l.WriteAt
}

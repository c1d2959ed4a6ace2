package upstream

import "time"

// A server that owes replies to much gains nothing from a write for each small request that comes meanwhile: it reads
// them later, in one go. So they wait in the gateway until it replies to something, which it does before it reads
// again, or for a millisecond. That costs one round trip at most, and leaves fewer outcomes unknown when the server is
// lost: what was not sent is retried.

const (
	// readsBytes is how many bytes a server reads at a time.
	readsBytes = 16 << 10
	// coalesceBytes is the size of unanswered requests from which less than readsBytes waits for the server's next
	// reply.
	coalesceBytes = 2 * readsBytes
	// coalesceFor is the longest that these wait.
	coalesceFor = time.Millisecond
)

// Coalesces reports whether what is to be written waits for more to come, until WriteAt: the server has enough to do.
func (l *Conn) Coalesces(now time.Duration) bool {
	pending := l.Queue.Pending()
	if pending == 0 || pending >= readsBytes || l.Queue.Held()-pending < coalesceBytes {
		return false
	}
	if l.WriteAt == 0 {
		l.WriteAt = now + coalesceFor
	}
	return now < l.WriteAt
}

package upstream

import "evergate/gateway/session"

// Pending says who waits for the next reply on a connection.
type Pending struct {
	// End is the offset in the connection's Queue behind the request's frame.
	End uint64
	// To is the client; a reply for one that has left is dropped.
	To session.Ref
	// Seq is the request's place among the session's replies.
	Seq uint32
	// Part is the piece of a split request, or -1.
	Part int16
	// Slot of the request's keys, or -1.
	Slot int16
	// Shard is the session's flight that the request belongs to.
	Shard int16
	Flags Flags
	// Redirects counts how often the request was redirected (MOVED, ASK) or retried since it last waited, Retries how
	// often it has waited because a server could not take it yet, Cost how many connections a server has closed on it.
	Redirects uint8
	Retries   uint8
	Cost      uint8
	// Ahead is how many replies still come before the one that the session waits for: a transaction's OK and QUEUEDs.
	Ahead uint32
}

// SameClient says that two pending requests belong to the same client.
func (t *Pending) SameClient(other *Pending) bool {
	return t.To == other.To
}

// Flags of a pending request.
type Flags uint8

const (
	// Write: the request may change data. If the connection dies after it was sent its outcome is unknown.
	Write Flags = 1 << iota
	// Quiet: nobody waits for the reply (ASKING).
	Quiet
	// Internal: the worker itself asked (COMMAND INFO).
	Internal
	// Blocking: the server may take its time, and the connection is the session's own.
	Blocking
	// Watched: a transaction that depends on what the server remembers of this connection. It cannot be done on another.
	Watched
	// Counts: the reply counts subscribers as the server sees them; with Quiet, that the next request, a WAIT, would be
	// answered wrongly if this one was refused.
	Counts
	// Loaded: the script that the request names was loaded ahead of it; with Quiet, that it is this load.
	Loaded
	// Optional, with Quiet: nothing depends on it, and the server may refuse it.
	Optional
)

// Inflight is the FIFO of a connection's pending requests, oldest first. It grows as needed: most connections never
// hold many. The zero value is ready.
type Inflight struct {
	ring []Pending // length is a power of two
	head uint32
	n    uint32
}

// Len is the number of pending requests.
func (f *Inflight) Len() int { return int(f.n) }

// Push adds the newest pending request, which is empty, and returns its place to be filled in. It is valid until the
// next Push or Drop.
func (f *Inflight) Push() *Pending {
	if int(f.n) == len(f.ring) {
		f.grow()
	}
	t := &f.ring[(f.head+f.n)&uint32(len(f.ring)-1)]
	*t = Pending{}
	f.n++
	return t
}

func (f *Inflight) grow() {
	ring := make([]Pending, max(4, 2*len(f.ring)))
	for i := range f.n {
		ring[i] = f.ring[(f.head+i)&uint32(len(f.ring)-1)]
	}
	f.ring, f.head = ring, 0
}

// Front returns the oldest pending request, or nil. It is valid until the next Push or Drop.
func (f *Inflight) Front() *Pending {
	if f.n == 0 {
		return nil
	}
	return &f.ring[f.head]
}

// Drop removes the oldest pending request. There must be one.
func (f *Inflight) Drop() {
	f.head = (f.head + 1) & uint32(len(f.ring)-1)
	f.n--
}

// All calls yield for each pending request, oldest first.
func (f *Inflight) All(yield func(*Pending) bool) {
	for i := range f.n {
		if !yield(&f.ring[(f.head+i)&uint32(len(f.ring)-1)]) {
			return
		}
	}
}

// truncate drops the newest pending requests and keeps the n oldest.
func (f *Inflight) truncate(n int) { f.n = uint32(n) }

// Reset drops all pending requests and a ring that had grown large.
func (f *Inflight) Reset() {
	f.head, f.n = 0, 0
	if len(f.ring) > 1024 {
		f.ring = nil
	}
}

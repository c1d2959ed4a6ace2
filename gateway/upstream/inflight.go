package upstream

import (
	"sort"

	"evergate/gateway/session"
	"evergate/gateway/wait"
	"evergate/topology"
)

// Flags of a pending request.
type Flags uint16

const (
	// Write: the request may change data. If its connection is lost after it was sent the outcome is unknown.
	Write Flags = 1 << iota
	// Quiet: the reply is dropped (ASKING).
	Quiet
	// Internal: the request is the gateway's own (COMMAND INFO).
	Internal
	// Blocking: the server may take as long as it likes, and the connection is dedicated.
	Blocking
	// Watched: WATCH, or a transaction that depends on one. It cannot be retried on another connection.
	Watched
	// Counts: the reply is a count of subscribers at the server. With Quiet: the reply to the next request, a WAIT,
	// would be wrong if this one was rejected.
	Counts
	// Loaded: the script that the request names was loaded in front of it. With Quiet: this is that SCRIPT LOAD.
	Loaded
	// Optional, with Quiet: the server may reject it.
	Optional
	// ToConfirm, with Write: replicas must confirm it before its client gets the reply.
	ToConfirm
	// Hedged: the read is in flight on two connections, and the first reply is its client's.
	Hedged
	// Confirms, with Quiet: the WAIT that confirms the writes before it, or with Counts what is sent ahead of it.
	Confirms
	// Ends, with Quiet: CLIENT KILL of a stale connection.
	Ends
)

// Pending is a request on a connection whose reply is not there yet.
type Pending struct {
	// End is the offset in the connection's Queue behind the request's frame.
	End uint64
	// To is the client that gets the reply; it is dropped when that has left.
	To session.Ref
	// Seq is the request's place among the session's replies.
	Seq uint32
	// Part is the index of the part of a request that was split, or -1.
	Part int16
	// Slot of the request's keys, or -1.
	Slot int16
	// Shard is that for which the session has the request in flight.
	Shard int16
	Flags Flags
	// Redirects is how often the request was redirected (MOVED, ASK) or retried since it last waited, Retries how often
	// it has waited because a server could not execute it yet, Cost how many connections servers have closed on it.
	Redirects uint8
	Retries   uint8
	Cost      uint8
	// Ahead is how many replies come before the one for the session: the OK and QUEUEDs of a transaction.
	Ahead uint32
	// Began is when the request was sent, or began to wait for a server before that; of a request that is retried, the
	// first time. 0 for those of the gateway's own.
	Began wait.Stamp
	// Command is the Index of its command's row; 0 if it has none.
	Command uint16
	// Mark has the keys for which the request is in flight as a write, Moves is Servers.Moves when that was sent.
	Mark  Mark
	Moves uint32
}

// SameClient reports whether two pending requests belong to the same client.
func (t *Pending) SameClient(other *Pending) bool {
	return t.To == other.To
}

// Inflight is the FIFO of a connection's pending requests, oldest first. It grows as needed, since most connections
// never hold many. The zero value is ready.
type Inflight struct {
	ring []Pending // length is a power of two
	head uint32
	n    uint32
	// marker ends the marks of requests that leave the queue; node is where they are executed.
	marker *marker
	node   topology.NodeID
}

// Len is the number of pending requests.
func (f *Inflight) Len() int { return int(f.n) }

// Push adds the newest pending request, which is empty, and returns it to be filled in. It is valid until the next Push
// or Drop.
func (f *Inflight) Push() *Pending {
	if int(f.n) == len(f.ring) {
		f.grow()
	}
	t := &f.ring[(f.head+f.n)&uint32(len(f.ring)-1)]
	*t = Pending{}
	f.n++
	return t
}

// grow doubles the ring.
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
	if t := &f.ring[f.head]; t.Mark != 0 {
		f.marker.executed(t, f.node)
		f.marker.end(t.Mark)
	}
	f.head = (f.head + 1) & uint32(len(f.ring)-1)
	f.n--
}

// At returns the pending request with this index; the oldest one is 0. It is valid until the next Push or Drop.
func (f *Inflight) At(i int) *Pending { return &f.ring[(f.head+uint32(i))&uint32(len(f.ring)-1)] }

// After returns the index of the first pending request that ends behind an offset of the queue; Len without one.
func (f *Inflight) After(end uint64) int {
	return sort.Search(int(f.n), func(i int) bool { return f.At(i).End > end })
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
func (f *Inflight) truncate(n int) {
	for i := uint32(n); i < f.n; i++ {
		f.marker.end(f.ring[(f.head+i)&uint32(len(f.ring)-1)].TakeMark())
	}
	f.n = uint32(n)
}

// Reset drops all pending requests, and the ring if it has grown large.
func (f *Inflight) Reset() {
	f.truncate(0)
	f.head = 0
	if len(f.ring) > 1024 {
		f.ring = nil
	}
}

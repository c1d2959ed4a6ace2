package retry

import (
	"fmt"
	"slices"
	"time"

	"evergate/topology"
)

// Entry is a request to retry. It owns its frame.
type Entry struct {
	// Seq is its place among the replies of its session, Part the index of the part of a split request, or -1.
	Seq  uint32
	Part int16
	// Slot of its keys, or -1. Shard is where it was sent to, by the view with the epoch Flown.
	Slot, Shard int16
	Flown       uint64
	// Redirects and Retries are those of Facts. Cost is how many connections a server has closed on it.
	Redirects, Retries, Cost uint8
	// Ask, Primary and Firm are those of the Verdict.
	Ask, Primary, Firm bool
	Read               bool
	// Overtaken: a later request of the session was executed. It is answered, not retried.
	Overtaken bool
	Frame     []byte
	// Target is the node that a redirection named, or -1.
	Target topology.NodeID
	// Began is when it was first sent, or waited for a server before that: a stamp of package wait, 0 for neither.
	Began uint32
	// Command is the Index of its command's row.
	Command uint16
	// At is when it is retried, unless a view newer than Epoch, under which it was rejected, comes earlier.
	At    time.Duration
	Epoch uint64
	// Load is the script that the server lacked.
	Load []byte
	// Fallback is the server's error, if that is a correct reply too.
	Fallback []byte
	// Ended is the connection that a server closed while this request was alone on it.
	Ended Ended
}

// Ended is a connection that a server closed on a request for the second time, while it was alone there. The zero value
// is none.
type Ended struct {
	Node  topology.NodeID
	RunID string
	At    time.Duration
	Sent  bool // the request was sent whole
}

// Redirect sends the request to a node, whatever the view says.
func (e *Entry) Redirect(to topology.NodeID) { e.Target = to }

// Unredirect forgets the node that a redirection named: the view says where the request goes.
func (e *Entry) Unredirect() { e.Target, e.Ask = -1, false }

// Overtake records that a later request of the session was executed.
func (e *Entry) Overtake() { e.Overtaken = true }

// Due reports whether a request may be retried under a view, which may be nil.
func (e *Entry) Due(now time.Duration, v *topology.View) bool {
	return e.At <= now || !e.Firm && (v == nil || e.Epoch != v.Epoch)
}

// Queue has the requests that a session must retry before it reads new input, in their order.
type Queue []Entry

// Insert inserts an entry after those of the same request and of earlier ones.
func (q Queue) Insert(e Entry) Queue {
	i := len(q)
	for i > 0 && Later(q[i-1].Seq, e.Seq) {
		i--
	}
	return slices.Insert(q, i, e)
}

// Restart puts all parts of the first request in place of those that are there. It has this many parts now. The queue
// must not be empty, and is not valid afterwards.
func (q Queue) Restart(parts int) Queue {
	first := q[0]
	rest := slices.DeleteFunc(q, func(e Entry) bool { return e.Seq == first.Seq })
	all := make(Queue, parts, parts+len(rest))
	for i := range all {
		all[i] = first
		all[i].Part = int16(i)
	}
	return append(all, rest...)
}

// DropFirst removes the first entry, and its frame from memory.
func (q Queue) DropFirst() Queue {
	q[0] = Entry{}
	return q[1:]
}

// Bytes is the size of all frames.
func (q Queue) Bytes() (n int) {
	for i := range q {
		n += len(q[i].Frame)
	}
	return n
}

// Later reports whether seq a comes after b; numbers wrap around.
func Later(a, b uint32) bool { return int32(a-b) > 0 }

// Check returns what is wrong with the queue; for tests.
func (q Queue) Check() error {
	for i := range q {
		switch e := &q[i]; {
		case i > 0 && Later(q[i-1].Seq, e.Seq):
			return fmt.Errorf("request %d is behind %d", e.Seq, q[i-1].Seq)
		case slices.ContainsFunc(q[:i], func(o Entry) bool { return o.Seq == e.Seq && o.Part == e.Part }):
			return fmt.Errorf("part %d of request %d is there twice", e.Part, e.Seq)
		case len(e.Frame) == 0:
			return fmt.Errorf("request %d is empty", e.Seq)
		case e.Redirects > RedirectsMax || e.Retries > retriesMax:
			return fmt.Errorf("request %d was redirected %d times, retried %d times", e.Seq, e.Redirects, e.Retries)
		case e.Ask && e.Target < 0:
			return fmt.Errorf("request %d asks no node", e.Seq)
		}
	}
	return nil
}

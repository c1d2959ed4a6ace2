package acks

import (
	"time"

	"evergate/gateway/session"
)

// arenaKept bounds the buffer that is kept for the replies of later rounds, in bytes.
const arenaKept = 256 << 10

// HeadMax is how many bytes of the beginning of a request are kept beside its reply.
const HeadMax = 256

// Spent is what the time of a write was spent on until its reply came. The zero value is that of one of which that is
// not known.
type Spent struct {
	// Came is when the reply came, as a wait.Stamp. Server and Hold are as in slowlog.Entry, in microseconds.
	Came, Server, Hold uint32
	// Request is the size of the request in bytes; 0: nothing is known. Head is the beginning of it.
	Request int
	Head    []byte
}

// Reply is where a reply belongs that waits for its confirmation: the client, its place among the replies of the
// session, the part of a request that was split (-1: none), the slot (-1: none), and the shard for which the session
// has it in flight.
type Reply struct {
	To                session.Ref
	Seq               uint32
	Part, Slot, Shard int16
	// Began is when the request began, as a wait.Stamp, 0 where its time does not count; Command is that of
	// upstream.Pending.
	Began   uint32
	Command uint16
	// Spent has a Head where All yields it.
	Spent Spent
	// size is that of the reply, head that of Spent.Head, in bytes.
	size, head int
}

// Size is how much is kept for the reply, in bytes.
func (r *Reply) Size() int { return r.size + r.head }

// Queue has the replies to writes of one connection that wait for the answer to a WAIT. At most one WAIT is under way:
// what is sent later waits for the next one. The zero value is ready.
//
// Replies come in order, so all that are kept when a WAIT is answered are those of writes before it.
type Queue struct {
	terms   Terms
	replies []Reply
	arena   []byte
	spare   Round // buffers of an earlier round
	writes  int   // sent since the last WAIT
	// asked is the offset behind the WAIT under way, 0 without one. need is its number of replicas, on are its terms,
	// askedAt is when it was sent.
	asked   uint64
	need    int
	on      Terms
	askedAt time.Duration
	// ahead: one of the writes needs Ahead before the next WAIT.
	ahead bool
	// repeats: the WAIT under way, or the next one, is for the replies of one that counts for nothing, too; see Repeat.
	repeats bool
}

// Round are the replies that one WAIT confirms.
type Round struct {
	// Need is how many replicas had to confirm them, 0 if no WAIT was sent; Terms is what that follows from.
	Need  int
	Terms Terms
	// AskedAt is when the WAIT was sent; meaningful with a Need.
	AskedAt time.Duration
	replies []Reply
	arena   []byte
}

// Sent counts a write on these terms. blocking: the server may execute it late, on behalf of another client. It reports
// whether it is the first one since the last WAIT.
func (q *Queue) Sent(t Terms, blocking bool) (first bool) {
	q.terms, q.ahead = t, q.ahead || blocking
	q.writes++
	return q.writes == 1
}

// Wanted reports whether a WAIT should be sent now: there were writes since the last one, or that one is to be
// repeated, and none is under way.
func (q *Queue) Wanted() bool { return (q.writes > 0 || q.repeats) && q.asked == 0 }

// Repeat ends the WAIT under way, whose answer counts for nothing: the replies before it wait for the next one. It
// returns false, and changes nothing, if the WAIT is such a next one itself.
func (q *Queue) Repeat() bool {
	if q.repeats {
		return false
	}
	q.repeats, q.asked = true, 0
	return true
}

// Terms are those of the last write.
func (q *Queue) Terms() Terms { return q.terms }

// NeedsAhead reports whether Ahead must be sent before the next WAIT.
func (q *Queue) NeedsAhead() bool { return q.ahead }

// Ask records a WAIT for so many replicas, whose frame ends at an offset. It returns how many writes it is for.
func (q *Queue) Ask(end uint64, need int, now time.Duration) (writes int) {
	writes = q.writes
	q.asked, q.need, q.on, q.askedAt = end, need, q.terms, now
	q.writes, q.ahead = 0, false
	return writes
}

// Need is how many replicas the WAIT under way is for.
func (q *Queue) Need() int { return q.need }

// Asked is the offset behind the WAIT under way; 0 without one.
func (q *Queue) Asked() uint64 { return q.asked }

// Keep adds a reply, which is copied with the Head of its Spent, and returns its Size.
func (q *Queue) Keep(r Reply, reply []byte) int {
	q.arena = append(append(q.arena, reply...), r.Spent.Head...)
	r.size, r.head, r.Spent.Head = len(reply), len(r.Spent.Head), nil
	q.replies = append(q.replies, r)
	return r.Size()
}

// Kept is how many replies wait.
func (q *Queue) Kept() int { return len(q.replies) }

// Owes reports whether a reply waits, or a write was sent after the last WAIT.
func (q *Queue) Owes() bool { return len(q.replies) > 0 || q.writes > 0 || q.asked > 0 }

// All yields the replies that wait.
func (q *Queue) All(yield func(*Reply) bool) {
	for i := range q.replies {
		if !yield(&q.replies[i]) {
			return
		}
	}
}

// Answered ends the WAIT under way, and takes the replies before it.
func (q *Queue) Answered() Round {
	r := Round{Need: q.need, Terms: q.on, AskedAt: q.askedAt, replies: q.replies, arena: q.arena}
	q.replies, q.arena = q.spare.replies[:0], q.spare.arena[:0]
	q.spare = Round{}
	q.asked, q.need, q.repeats = 0, 0, false
	return r
}

// End is Answered for a connection that has ended: no WAIT comes any more.
func (q *Queue) End() Round {
	if q.asked == 0 {
		q.on = q.terms
	}
	q.writes, q.ahead = 0, false
	return q.Answered()
}

// Recycle gives the buffers of a round back, which is not used any more.
func (q *Queue) Recycle(r *Round) {
	if cap(r.arena) <= arenaKept {
		q.spare.replies, q.spare.arena = r.replies[:0], r.arena[:0]
	}
}

// Len is the number of replies.
func (r *Round) Len() int { return len(r.replies) }

// All yields the replies in the order in which they came, and their bytes, which are valid until Recycle.
func (r *Round) All(yield func(*Reply, []byte) bool) {
	from := 0
	for i := range r.replies {
		reply := &r.replies[i]
		to := from + reply.size
		end := to + reply.head
		reply.Spent.Head = r.arena[to:end:end]
		if !yield(reply, r.arena[from:to:to]) {
			return
		}
		from = end
	}
}

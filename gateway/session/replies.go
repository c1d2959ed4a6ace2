package session

// Replies is the row of places for the replies that a client is owed. Sequence numbers wrap around; a session never
// has more than 2^31 requests under way. The zero value is ready.
type Replies struct {
	head uint32 // the place in front
	next uint32 // the place that Reserve gives out next
	// early is a ring over [head, next) for replies that came before their turn; nil when there is none.
	early []early
	kept  int // replies in early
	bytes int // their bytes
}

type early struct {
	reply []byte
	here  bool
}

// Reserve gives out the next place.
func (r *Replies) Reserve() uint32 {
	seq := r.next
	r.next++
	return seq
}

// Owed is how many places wait for their reply.
func (r *Replies) Owed() int { return int(r.next - r.head) }

// AtFront says that seq is the place in front.
func (r *Replies) AtFront(seq uint32) bool { return seq == r.head }

// Pass says that the reply in front has been handed over whole. Afterwards Ready may have more.
func (r *Replies) Pass() { r.head++ }

// Keep copies a reply that came before its turn.
func (r *Replies) Keep(seq uint32, reply []byte) {
	if need := int(seq-r.head) + 1; need > len(r.early) {
		r.grow(need)
	}
	e := &r.early[seq&uint32(len(r.early)-1)]
	e.reply, e.here = append(e.reply[:0], reply...), true
	r.kept++
	r.bytes += len(reply)
}

// KeptBytes is the size of the replies that wait for their turn.
func (r *Replies) KeptBytes() int { return r.bytes }

func (r *Replies) grow(need int) {
	size := max(8, 2*len(r.early))
	for size < need {
		size *= 2
	}
	ring := make([]early, size)
	for i := range uint32(len(r.early)) {
		seq := r.head + i
		ring[seq&uint32(size-1)] = r.early[seq&uint32(len(r.early)-1)]
	}
	r.early = ring
}

// Ready returns the reply in front when it is there. The bytes are valid until the next call; call Pass after taking
// them.
func (r *Replies) Ready() (reply []byte, ok bool) {
	if r.kept == 0 {
		if r.early != nil && r.head == r.next {
			r.early = nil
		}
		return nil, false
	}
	e := &r.early[r.head&uint32(len(r.early)-1)]
	if !e.here {
		return nil, false
	}
	e.here = false
	r.kept--
	r.bytes -= len(e.reply)
	if cap(e.reply) > 16<<10 {
		reply, e.reply = e.reply, nil
		return reply, true
	}
	return e.reply, true
}

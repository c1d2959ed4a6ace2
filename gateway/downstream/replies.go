package downstream

// Replies has the places of the replies that a client is owed, in the order of its requests. The numbers of places wrap
// around; fewer than 2^31 are in use at once. The zero value is ready.
type Replies struct {
	head uint32 // the place in front
	next uint32 // the place that Reserve gives out next
	// early are the replies that came before their turn; nil without any.
	early *early
}

// early keeps replies, and counts bytes.
type early struct {
	ring  []place // over [head, next)
	kept  int     // replies in ring
	bytes int     // their bytes, and those of the parts of others
}

// place is that of one reply.
type place struct {
	reply []byte
	here  bool // reply came
}

// Reserve returns the next place.
func (r *Replies) Reserve() uint32 {
	seq := r.next
	r.next++
	return seq
}

// Owed is how many places have not got their reply.
func (r *Replies) Owed() int { return int(r.next - r.head) }

// AtFront reports whether seq is the place in front.
func (r *Replies) AtFront(seq uint32) bool { return seq == r.head }

// Newest is the place that Reserve gave out last.
func (r *Replies) Newest() uint32 { return r.next - 1 }

// Passed reports whether the reply of a place was passed on. The place must be one of the last 2^31.
func (r *Replies) Passed(seq uint32) bool { return int32(r.head-seq) > 0 }

// Pass records that the reply in front was passed on whole. Afterwards Ready may return others.
func (r *Replies) Pass() { r.head++ }

// Keep keeps a reply that came before its turn. It copies it.
func (r *Replies) Keep(seq uint32, reply []byte) {
	if r.early == nil {
		r.early = &early{}
	}
	e := r.early
	if need := int(seq-r.head) + 1; need > len(e.ring) {
		e.grow(r.head, need)
	}
	p := e.at(seq)
	p.reply, p.here = append(p.reply[:0], reply...), true
	e.kept++
	e.bytes += len(reply)
}

// KeepPart counts n more bytes, or less, of parts that are kept elsewhere until they make up a reply.
func (r *Replies) KeepPart(n int) {
	if r.early == nil {
		r.early = &early{}
	}
	r.early.bytes += n
}

// KeptBytes is how many bytes of early replies and of parts are kept.
func (r *Replies) KeptBytes() int {
	if r.early == nil {
		return 0
	}
	return r.early.bytes
}

// EarlyBytes is how many bytes of early replies are kept, counted anew: it is for tests.
func (r *Replies) EarlyBytes() (n int) {
	if r.early == nil {
		return 0
	}
	for i := range r.early.ring {
		if p := &r.early.ring[i]; p.here {
			n += len(p.reply)
		}
	}
	return n
}

// at returns a place in [head, next).
func (e *early) at(seq uint32) *place { return &e.ring[seq&uint32(len(e.ring)-1)] }

// grow makes room for at least need places from head on.
func (e *early) grow(head uint32, need int) {
	size := max(8, 2*len(e.ring))
	for size < need {
		size *= 2
	}
	ring := make([]place, size)
	for i := range uint32(len(e.ring)) {
		seq := head + i
		ring[seq&uint32(size-1)] = *e.at(seq)
	}
	e.ring = ring
}

// Ready returns the reply in front if it came early. It is valid until the next call; call Pass after taking it.
func (r *Replies) Ready() (reply []byte, ok bool) {
	e := r.early
	if e == nil {
		return nil, false
	}
	if e.kept == 0 {
		if r.head == r.next && e.ring != nil {
			r.early = nil
		}
		return nil, false
	}
	p := e.at(r.head)
	if !p.here {
		return nil, false
	}
	p.here = false
	e.kept--
	e.bytes -= len(p.reply)
	if cap(p.reply) > 16<<10 {
		reply, p.reply = p.reply, nil
		return reply, true
	}
	return p.reply, true
}

package tlsconn

import "bytes"

const (
	// recordBytes is the most that one record holds.
	recordBytes = 16 << 10
	// aheadBytes are encrypted at most before the kernel has taken what was encrypted earlier.
	aheadBytes = 64 << 10
)

// Sealed are records that the kernel has not taken whole. One that is made by NewScratch may be shared by all
// connections of a thread: what is left over after a write is copied out of it.
type Sealed struct {
	out     []byte
	sent    int // bytes of out that the kernel took
	records []sealed
	plain   int // bytes of what was offered in these records
	scratch bool
}

// sealed is one record: where it ends in out, and how many bytes it holds.
type sealed struct{ end, plain int }

// NewScratch makes room for what is sealed and sent at once.
func NewScratch() *Sealed {
	const overhead = 1 << 10 // of the records
	return &Sealed{
		scratch: true, out: make([]byte, 0, aheadBytes+overhead), records: make([]sealed, 0, aheadBytes/recordBytes),
	}
}

// Seal returns the bytes to send next, which are valid until Sent, which must follow; none when there are none. offered
// is what is to be written in all that was not reported as sent yet: it must begin with what Seal has been offered
// before. If it is shorter then what was encrypted is not wanted any more, and Seal returns nothing.
func (c *Conn) Seal(offered []byte, scratch *Sealed) ([]byte, error) {
	w := c.wire
	if s := w.pending; s != nil {
		if len(offered) < s.plain {
			return nil, nil
		}
		return s.out[s.sent:], nil
	}
	if len(offered) == 0 {
		return nil, nil
	}
	w.pending = scratch
	for len(offered) > 0 && scratch.plain < aheadBytes {
		n := min(len(offered), recordBytes)
		if _, err := c.Write(offered[:n]); err != nil {
			w.pending = nil
			scratch.reset()
			return nil, err
		}
		scratch.records = append(scratch.records, sealed{end: len(scratch.out), plain: n})
		scratch.plain += n
		offered = offered[n:]
	}
	return scratch.out, nil
}

// Sent records that the kernel took n bytes of what Seal returned. It returns how many of the bytes that were offered
// count as sent: those of whole records, since a peer can read nothing of a part of one.
func (c *Conn) Sent(n int) (plain int) {
	w := c.wire
	s := w.pending
	if s == nil {
		return 0
	}
	s.sent += n
	done := 0
	for done < len(s.records) && s.records[done].end <= s.sent {
		plain += s.records[done].plain
		done++
	}
	s.plain -= plain
	switch {
	case s.sent == len(s.out):
		w.pending = nil
		if s.scratch {
			s.reset()
		}
	case s.scratch:
		w.pending = s.rest(done)
		s.reset()
	default:
		s.records = s.records[done:]
	}
	return plain
}

// rest copies what is not sent, without the records that are.
func (s *Sealed) rest(done int) *Sealed {
	left := &Sealed{out: bytes.Clone(s.out[s.sent:]), plain: s.plain}
	for _, r := range s.records[done:] {
		left.records = append(left.records, sealed{end: r.end - s.sent, plain: r.plain})
	}
	return left
}

func (s *Sealed) reset() { s.out, s.sent, s.records, s.plain = s.out[:0], 0, s.records[:0], 0 }

// Kept is how many bytes are kept for what was encrypted and not sent.
func (c *Conn) Kept() int {
	if s := c.wire.pending; s != nil {
		return cap(s.out)
	}
	return 0
}

// Owes reports whether there is something to send that nobody offered: an alert, or the answer to a change of keys.
func (c *Conn) Owes() bool { return c.wire.pending != nil && c.wire.pending.plain == 0 }

// Goodbye returns the last bytes to send before the connection is closed: what TLS itself still has to say. There are
// none if bytes of a record are left over that will never be sent. They are valid until scratch is used again.
func (c *Conn) Goodbye(scratch *Sealed) []byte {
	w := c.wire
	if w.pending == nil {
		w.pending = scratch
	}
	s := w.pending
	if s.plain > 0 {
		return nil
	}
	_ = c.CloseWrite()
	w.pending = nil
	b := s.out[s.sent:]
	if s.scratch {
		s.reset()
	}
	return b
}

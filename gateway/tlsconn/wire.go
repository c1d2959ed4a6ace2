package tlsconn

import (
	"io"
	"net"
	"sync/atomic"
	"time"
)

// wire is what crypto/tls reads from and writes to: a connection, or after Detach bytes in memory.
type wire struct {
	conn    net.Conn // nil after Detach
	turns   Turns    // during a handshake that has one
	heard   bool     // the peer has sent something
	in      []byte
	ended   bool
	closing atomic.Bool
	// records are those that were read, empty those that had no data in them, data the bytes of the others.
	records, empty uint64
	data           uint64
	next           record
	// pending is what waits to be sent; nil: nothing.
	pending *Sealed
}

// Read implements io.Reader. It never goes past the current record: crypto/tls keeps all that it gets in a buffer which
// never shrinks, and one record is the most that it needs.
func (w *wire) Read(b []byte) (n int, err error) {
	if w.conn != nil {
		n, err = w.receive(b[:min(len(b), w.next.left())])
		if w.next.pass(b[:n]) {
			w.records++
		}
		w.heard = w.heard || n > 0
		return n, err
	}
	for n < len(b) && len(w.in) > 0 {
		m := copy(b[n:min(len(b), n+w.next.left())], w.in)
		w.in = w.in[m:]
		over := w.next.pass(b[n : n+m])
		if n += m; over {
			w.records++
			break
		}
	}
	switch {
	case n > 0 || len(b) == 0:
		return n, nil
	case w.ended:
		return 0, io.EOF
	}
	return 0, errDry
}

// receive reads from the connection. Others compute meanwhile.
func (w *wire) receive(b []byte) (int, error) {
	if w.turns == nil {
		return w.conn.Read(b)
	}
	<-w.turns
	defer func() { w.turns <- struct{}{} }()
	return w.conn.Read(b)
}

// Write implements io.Writer. Without a connection it never fails: crypto/tls would fail for good.
func (w *wire) Write(b []byte) (int, error) {
	if w.conn != nil {
		return w.conn.Write(b)
	}
	if w.pending == nil {
		w.pending = &Sealed{}
	}
	w.pending.out = append(w.pending.out, b...)
	return len(b), nil
}

// overspent counts records that came and the bytes of data that were read. It returns whether too many had none.
func (w *wire) overspent(records uint64, n int) bool {
	if n > 0 && records > 0 {
		records-- // the last one has the data
	}
	w.empty += records
	w.data += uint64(n)
	return w.empty > emptyRecords+w.data/emptyPer
}

// hurry bounds what is still written: the peer may not read any more.
func (w *wire) hurry() {
	if w.conn != nil {
		_ = w.conn.SetWriteDeadline(time.Now().Add(closeTime))
		w.closing.Store(true)
	}
}

// Close implements net.Conn.
func (w *wire) Close() error {
	if w.conn == nil {
		return nil
	}
	return w.conn.Close()
}

// The rest of net.Conn. crypto/tls sets a write deadline of its own in Close, which is too long for an event loop.

func (w *wire) LocalAddr() net.Addr               { return w.conn.LocalAddr() }
func (w *wire) RemoteAddr() net.Addr              { return w.conn.RemoteAddr() }
func (w *wire) SetDeadline(t time.Time) error     { return w.conn.SetDeadline(t) }
func (w *wire) SetReadDeadline(t time.Time) error { return w.conn.SetReadDeadline(t) }

func (w *wire) SetWriteDeadline(t time.Time) error {
	if w.conn == nil || w.closing.Load() {
		return nil
	}
	return w.conn.SetWriteDeadline(t)
}

// record is a place in a stream of TLS records (RFC 8446, 5.1): how many bytes of the header have passed, or how many
// of what follows it are to come.
type record struct {
	header uint8
	body   uint16
}

// headerBytes is the size of a record's header: type, version, and the length of what follows.
const headerBytes = 5

// left is how many bytes there are to the end of the header, or of the record.
func (r *record) left() int {
	if r.header == headerBytes {
		return int(r.body)
	}
	return headerBytes - int(r.header)
}

// pass moves on by bytes, at most as many as left. It returns whether a record is over.
func (r *record) pass(b []byte) bool {
	if r.header == headerBytes {
		r.body -= uint16(len(b))
	} else {
		for _, c := range b {
			if r.header++; r.header > headerBytes-2 {
				r.body = r.body<<8 | uint16(c)
			}
		}
	}
	over := r.header == headerBytes && r.body == 0
	if over {
		r.header = 0
	}
	return over
}

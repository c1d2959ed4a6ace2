// Package tlsconn lets crypto/tls work on an event loop, which must never block and has no goroutine for a connection.
// Begin with Conn.
//
// It knows records: where one ends, and which bytes count as sent. It knows no certificates, no commands and no
// descriptors, and imports no other room.
package tlsconn

import (
	"crypto/tls"
	"errors"
	"net"
	"syscall"
	"time"
)

// Conn is a TLS connection. At first it is a net.Conn whose methods block: for the handshake, and for the greeting of
// a server, on a goroutine of its own. After Detach it does no I/O. An event loop then passes it what it received
// (Received, End, Read) and sends what Seal returns.
type Conn struct {
	*tls.Conn
	wire *wire
}

// Turns bounds how many handshakes compute at the same time: its capacity. A handshake that waits for its peer holds
// no turn.
type Turns chan struct{}

// closeTime bounds how long Close may take to send its alert.
const closeTime = 20 * time.Millisecond

// Server makes the server's end of a connection. turns may be nil. It owns raw from now on.
func Server(raw net.Conn, conf *tls.Config, turns Turns) *Conn {
	w := &wire{conn: raw, turns: turns}
	return &Conn{tls.Server(w, conf), w}
}

// Client makes the client's end of a connection. It owns raw from now on.
func Client(raw net.Conn, conf *tls.Config) *Conn {
	w := &wire{conn: raw}
	return &Conn{tls.Client(w, conf), w}
}

// Handshake runs the handshake, in turn with others. A deadline of the connection bounds it.
func (c *Conn) Handshake() error {
	if turns := c.wire.turns; turns != nil {
		turns <- struct{}{}
		defer func() {
			<-turns
			c.wire.turns = nil
		}()
	}
	return c.Conn.Handshake()
}

// Heard reports whether the peer has sent anything at all.
func (c *Conn) Heard() bool { return c.wire.heard }

// Raw returns the connection below TLS, nil after Detach. To close it does not say goodbye to the peer.
func (c *Conn) Raw() net.Conn { return c.wire.conn }

// SyscallConn implements syscall.Conn: it gives access to the descriptor of the connection below TLS.
func (c *Conn) SyscallConn() (syscall.RawConn, error) {
	if sc, ok := c.wire.conn.(syscall.Conn); ok {
		return sc.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// Close says goodbye to the peer, if it reads, and closes the connection. It does not wait for the peer.
func (c *Conn) Close() error {
	c.wire.hurry()
	return c.Conn.Close()
}

// Detach ends the use of the connection below TLS: the caller took its descriptor over. The handshake must be complete.
// Decrypted bytes may be left over from before, so Read must be called once.
func (c *Conn) Detach() { c.wire.conn = nil }

// Received passes on bytes that were received. They are used until Read returns Dry, which the caller must wait for.
func (c *Conn) Received(b []byte) { c.wire.in = b }

const (
	// emptyRecords may come without data, and one more for each emptyPer bytes of data: tickets, changes of keys.
	emptyRecords = 64
	emptyPer     = 1 << 20
)

// errEmpty is the error about a peer that makes us compute for nothing: each change of keys costs 30 us and asks for an
// answer, which takes memory where the peer does not read.
var errEmpty = errors.New("it sends too many TLS records without data")

// Read returns decrypted bytes. After Detach the error is Dry where more are needed from Received.
func (c *Conn) Read(b []byte) (n int, err error) {
	w := c.wire
	before := w.records
	n, err = c.Conn.Read(b)
	if w.overspent(w.records-before, n) {
		return 0, errEmpty
	}
	return n, err
}

// Exhausted reports that a Read which filled only a part of its buffer left nothing behind: another one would be dry.
func (c *Conn) Exhausted() bool { return len(c.wire.in) == 0 && !c.wire.ended }

// End says that the peer sends nothing more. Read returns io.EOF then, or io.ErrUnexpectedEOF within a record.
func (c *Conn) End() { c.wire.ended = true }

// Dry reports whether an error of Read says that it needs more bytes from Received, and nothing else.
func Dry(err error) bool { return err == errDry }

// errDry is what the wire returns when it has no bytes. crypto/tls keeps what it has of a record, and goes on with it,
// if an error calls itself temporary.
var errDry error = dryError{}

type dryError struct{}

func (dryError) Error() string   { return "no bytes yet" }
func (dryError) Timeout() bool   { return false }
func (dryError) Temporary() bool { return true }

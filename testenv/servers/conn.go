package servers

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

const (
	// ReplyPatience is a new Conn's Timeout.
	ReplyPatience = 30 * time.Second
	// bulkBytesMax bounds the memory that a length in a reply makes this client allocate.
	bulkBytesMax = 1 << 30
	// frameDepthMax bounds nesting.
	frameDepthMax = 64
)

// Conn is a client that returns replies as raw bytes. It is for one goroutine, or for one that reads and one that
// writes.
type Conn struct {
	net.Conn
	// Timeout bounds each Send and each Frame. Default ReplyPatience.
	Timeout time.Duration
	r       *bufio.Reader
}

// Dial connects to addr: HOST:PORT, or unix:/path.
func Dial(addr string) (*Conn, error) {
	network := "tcp"
	if path, isUnix := strings.CutPrefix(addr, "unix:"); isUnix {
		network, addr = "unix", path
	}
	c, err := net.DialTimeout(network, addr, ReplyPatience)
	if err != nil {
		return nil, err
	}
	return NewConn(c), nil
}

// DialFrom connects from a loopback address of IPv4 to addr, HOST:PORT.
func DialFrom(from, addr string) (*Conn, error) {
	d := net.Dialer{Timeout: ReplyPatience, LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c, err := d.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return NewConn(c), nil
}

// NewConn makes a Conn of a connection, which belongs to it from now on.
func NewConn(c net.Conn) *Conn {
	return &Conn{Conn: c, Timeout: ReplyPatience, r: bufio.NewReaderSize(c, 64<<10)}
}

// MustDial is Dial for a test, at whose end the Conn is closed.
func MustDial(t T, addr string) *Conn {
	t.Helper()
	c, err := Dial(addr)
	if err != nil {
		t.Fatalf("dialling %s: %v", addr, err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// Within sets Timeout.
func (c *Conn) Within(d time.Duration) { c.Timeout = d }

// AppendCommand appends args to b as one command: an array of bulk strings.
func AppendCommand(b []byte, args ...string) []byte {
	b = fmt.Appendf(b, "*%d\r\n", len(args))
	for _, arg := range args {
		b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(arg), arg)
	}
	return b
}

// Reader returns the reader of the frames, for bytes that are not RESP.
func (c *Conn) Reader() *bufio.Reader { return c.r }

// Send sends one command.
func (c *Conn) Send(args ...string) error { return c.SendRaw(AppendCommand(nil, args...)) }

// SendRaw sends bytes as they are.
func (c *Conn) SendRaw(b []byte) error {
	if err := c.SetWriteDeadline(time.Now().Add(c.Timeout)); err != nil {
		return err
	}
	_, err := c.Write(b)
	return err
}

// SendSlowly sends bytes one by one, each in a segment of its own.
func (c *Conn) SendSlowly(b []byte) error {
	for i := range b {
		if err := c.SendRaw(b[i : i+1]); err != nil {
			return err
		}
	}
	return nil
}

// Do sends one command and reads one frame. An error reply is a frame like any other.
func (c *Conn) Do(args ...string) ([]byte, error) {
	if err := c.Send(args...); err != nil {
		return nil, err
	}
	return c.Frame()
}

// Frame reads the raw bytes of exactly one RESP2 or RESP3 value, with its attributes. It returns the bytes of a broken
// or unfinished frame with the error.
func (c *Conn) Frame() ([]byte, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.Timeout)); err != nil {
		return nil, err
	}
	var frame bytes.Buffer
	err := c.readFrame(&frame, 0)
	return frame.Bytes(), err
}

// Frames reads n frames and returns their bytes, concatenated.
func (c *Conn) Frames(n int) ([]byte, error) {
	var all []byte
	for range n {
		frame, err := c.Frame()
		all = append(all, frame...)
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

// Rest reads until the other side closes, and returns the bytes. A reset counts as a close; a timeout is an error.
func (c *Conn) Rest() ([]byte, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.Timeout)); err != nil {
		return nil, err
	}
	rest, err := io.ReadAll(c.r)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return rest, err
	}
	return rest, nil
}

func (c *Conn) readFrame(frame *bytes.Buffer, depth int) error {
	if depth > frameDepthMax {
		return errors.New("frame nested too deeply")
	}
	line, err := c.r.ReadBytes('\n')
	frame.Write(line)
	if err != nil {
		return err
	}
	if len(line) < 3 || line[len(line)-2] != '\r' {
		return fmt.Errorf("line %q does not begin a frame", line)
	}
	switch line[0] {
	case '+', '-', ':', '_', ',', '#', '(':
		return nil
	case '$', '=', '!':
		return c.readBulk(frame, line)
	case '*', '~', '>':
		return c.readItems(frame, line, 1, depth)
	case '%':
		return c.readItems(frame, line, 2, depth)
	case '|':
		if err := c.readItems(frame, line, 2, depth); err != nil {
			return err
		}
		return c.readFrame(frame, depth)
	default:
		return fmt.Errorf("line %q does not begin a frame", line)
	}
}

func (c *Conn) readBulk(frame *bytes.Buffer, line []byte) error {
	n, err := frameLength(line)
	if err != nil || n < 0 {
		return err
	}
	if _, err := io.CopyN(frame, c.r, n+2); err != nil {
		return err
	}
	if !bytes.HasSuffix(frame.Bytes(), []byte("\r\n")) {
		return fmt.Errorf("bulk of %d bytes does not end in CRLF", n)
	}
	return nil
}

func (c *Conn) readItems(frame *bytes.Buffer, line []byte, each int64, depth int) error {
	n, err := frameLength(line)
	if err != nil {
		return err
	}
	for range max(n, 0) * each {
		if err := c.readFrame(frame, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func frameLength(line []byte) (int64, error) {
	n, err := strconv.ParseInt(string(line[1:len(line)-2]), 10, 64)
	if err != nil || n < -1 || n > bulkBytesMax {
		return 0, fmt.Errorf("length in %q", line)
	}
	return n, nil
}

// AppendInlineWord quotes a word for an inline command.
func AppendInlineWord(b []byte, word string) []byte {
	b = append(b, '"')
	for _, c := range []byte(word) {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ' || c >= 0x7f:
			b = fmt.Appendf(b, `\x%02x`, c)
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

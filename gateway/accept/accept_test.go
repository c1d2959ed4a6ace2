package accept

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/pires/go-proxyproto"
)

func TestNetworks(t *testing.T) {
	n, err := ParseNetworks([]string{"10.0.0.0/8", "192.168.1.7", "2001:db8::/32", "::1"})
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]bool{
		"10.1.2.3": true, "11.0.0.0": false, "192.168.1.7": true, "192.168.1.8": false, "2001:db8:5::1": true,
		"2001:db9::1": false, "::1": true, "::ffff:10.1.2.3": true, "127.0.0.1": false,
	} {
		if got := n.Contains(&net.TCPAddr{IP: net.ParseIP(address), Port: 1}); got != want {
			t.Errorf("%s: %v, want %v", address, got, want)
		}
	}
	if n.Contains(&net.UnixAddr{Name: "/x"}) || (*Networks)(nil).Contains(&net.TCPAddr{IP: net.IPv4(10, 0, 0, 1)}) {
		t.Error("unix sockets, or nothing at all, contains a client")
	}
	if n, err = ParseNetworks([]string{UnixWord}); err != nil || !n.Contains(&net.UnixAddr{Name: "/x"}) {
		t.Errorf("unix: %v", err)
	}
	for _, word := range []string{
		"10.0.0.1/8", "x", "10.0.0.0/33", "::ffff:10.0.0.0/104", "", "fe80::1%eth0", "10.0.0.0/8 ",
	} {
		if _, err := ParseNetworks([]string{word}); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%q: %v", word, err)
		}
	}
}

// fakeConn is a connection from 127.0.0.1 that has sent something.
type fakeConn struct {
	net.Conn
	io.Reader
}

func (c fakeConn) Read(b []byte) (int, error) { return c.Reader.Read(b) }
func (c fakeConn) RemoteAddr() net.Addr       { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9} }

func v2(t testing.TB, change func(*proxyproto.Header)) string {
	t.Helper()
	h := proxyproto.HeaderProxyFromAddrs(2, &net.TCPAddr{IP: net.ParseIP("2001:db8::7"), Port: 4711},
		&net.TCPAddr{IP: net.ParseIP("2001:db8::8"), Port: 6379})
	if change != nil {
		change(h)
	}
	b, err := h.Format()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestReadHeader(t *testing.T) {
	const local, rest = "127.0.0.1:9", "*1\r\n$4\r\nPING\r\n"
	for name, c := range map[string]struct{ sent, client, fault string }{
		"v1":          {sent: "PROXY TCP4 192.0.2.1 192.0.2.2 4711 6379\r\n", client: "192.0.2.1:4711"},
		"v1, IPv6":    {sent: "PROXY TCP6 2001:db8::1 2001:db8::2 4711 6379\r\n", client: "[2001:db8::1]:4711"},
		"v1, unknown": {sent: "PROXY UNKNOWN\r\n", client: local},
		"v2":          {sent: v2(t, nil), client: "[2001:db8::7]:4711"},
		"v2, extra": {sent: v2(t, func(h *proxyproto.Header) {
			_ = h.SetTLVs([]proxyproto.TLV{{Type: proxyproto.PP2_TYPE_AUTHORITY, Value: bytes.Repeat([]byte("x"), 300)}})
		}), client: "[2001:db8::7]:4711"},
		"v2, local":  {sent: v2(t, func(h *proxyproto.Header) { h.Command = proxyproto.LOCAL }), client: local},
		"too long":   {sent: string(version2) + "\x21\x11\xff\xff", fault: "65535 bytes"},
		"similar":    {sent: "PRIVATE\r\n", fault: "it sent no PROXY header"},
		"none":       {sent: "SET k v\r\n", fault: "it sent no PROXY header"},
		"nothing":    {fault: "it sent nothing"},
		"half":       {sent: "PROXY TCP4 192.0", fault: "no whole PROXY header"},
		"bad number": {sent: "PROXY TCP4 192.0.2.1 192.0.2.2 4711 66379\r\n", fault: "malformed"},
		"no end":     {sent: "PROXY TCP4 " + strings.Repeat("1", 10_000), fault: "no end"},
	} {
		stream := io.Reader(strings.NewReader(c.sent))
		if c.fault == "" {
			stream = strings.NewReader(c.sent + rest)
		}
		got, err := ReadHeader(fakeConn{Reader: stream})
		if c.fault != "" {
			if err == nil || !strings.Contains(err.Error(), c.fault) {
				t.Errorf("%s: %v, want %q", name, err, c.fault)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if at := got.RemoteAddr().String(); at != c.client {
			t.Errorf("%s: the client is %s, want %s", name, at, c.client)
		}
		if left, err := io.ReadAll(got); string(left) != rest || err != nil {
			t.Errorf("%s: behind it is %q, %v", name, left, err)
		}
	}
}

func TestReadHeaderEndsInTime(t *testing.T) {
	client, server := net.Pipe()
	defer func() { _ = client.Close() }()
	_ = server.SetDeadline(time.Now().Add(10 * time.Millisecond))
	if _, err := ReadHeader(server); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a client that sends nothing: %v", err)
	}
	_ = server.Close()
}

// FuzzReadHeader: whatever comes, however it is cut, is a header or an error, and what is behind a header stays.
func FuzzReadHeader(f *testing.F) {
	f.Add([]byte("PROXY TCP4 192.0.2.1 192.0.2.2 4711 6379\r\n"))
	f.Add([]byte("PROXY UNKNOWN ffff\r\n"))
	f.Add([]byte(v2(f, nil)))
	f.Fuzz(func(t *testing.T, sent []byte) {
		const rest = "*1\r\n$4\r\nPING\r\n"
		whole := append(bytes.Clone(sent), rest...)
		got, err := ReadHeader(fakeConn{Reader: bytes.NewReader(whole)})
		cut, errCut := ReadHeader(fakeConn{Reader: iotest.OneByteReader(bytes.NewReader(whole))})
		if (err == nil) != (errCut == nil) {
			t.Fatalf("whole: %v, in pieces: %v", err, errCut)
		}
		if err != nil {
			return
		}
		if a, b := got.RemoteAddr().String(), cut.RemoteAddr().String(); a != b {
			t.Fatalf("whole: %s, in pieces: %s", a, b)
		}
		left, _ := io.ReadAll(got)
		if !bytes.HasSuffix(whole, left) || len(left) < len(whole)-moreBytes-16 {
			t.Fatalf("behind the header is %q of %q", left, whole)
		}
	})
}

package watch

import (
	"io"
	"net"
	"testing"
	"time"
)

// TestReadsMayBeginAnywhere: a read may begin with the end of a line.
func TestReadsMayBeginAnywhere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := dialer(time.Second, nil)(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	for _, piece := range []string{"$1\r\na", "\r\n", "-ERR no\r\n", "\r\n-", "x"} {
		if _, err := server.Write([]byte(piece)); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(piece))
		if _, err := io.ReadFull(c, got); err != nil || string(got) != piece {
			t.Errorf("%q, %v", got, err)
		}
	}
}

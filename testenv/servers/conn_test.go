package servers

import (
	"net"
	"strings"
	"testing"
)

func TestFrameReadsExactlyOneValue(t *testing.T) {
	frames := []string{
		"+OK\r\n", "-ERR no\r\n", ":12\r\n", "$-1\r\n", "$0\r\n\r\n", "$4\r\na\r\nb\r\n", "*-1\r\n", "*0\r\n",
		"*2\r\n$1\r\na\r\n*1\r\n:1\r\n", "_\r\n", ",1.5\r\n", "#t\r\n", "(123\r\n", "=7\r\ntxt:abc\r\n",
		"!5\r\nERR x\r\n", "%1\r\n+k\r\n~2\r\n:1\r\n:2\r\n", ">2\r\n+message\r\n+x\r\n", "|1\r\n+ttl\r\n:9\r\n$1\r\nv\r\n",
	}
	near, far := net.Pipe()
	defer func() { _ = far.Close() }()
	go func() { _, _ = far.Write([]byte(strings.Join(frames, "") + "?\r\n")) }()
	c := NewConn(near)
	for _, want := range frames {
		if got, err := c.Frame(); err != nil || string(got) != want {
			t.Fatalf("got %q, %v, want %q", got, err, want)
		}
	}
	if got, err := c.Frame(); err == nil {
		t.Errorf("garbage was taken for the frame %q", got)
	}
}

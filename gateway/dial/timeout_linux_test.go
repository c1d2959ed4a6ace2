package dial

import (
	"net"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/tidwall/redcon"
	"golang.org/x/sys/unix"

	"evergate/gateway/upstream"
)

// A lane does not wait to fill packets, and a server that vanished without a word is noticed.
func TestDialSetsSocketOptions(t *testing.T) {
	server := redcon.NewServer("", func(conn redcon.Conn, _ redcon.Command) { conn.WriteString("OK") }, nil, nil)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ln) }()
	d := Dialer{Timeout: inTime, Servers: func(int) Servers { return Servers{Credentials: nobody} },
		Logger: hclog.NewNullLogger()}
	conn, _, err := d.Dial(t.Context(), upstream.Dial{Addr: ln.Addr().String(), Proto: 2})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []struct {
		name                string
		level, option, want int
	}{
		{"TCP_NODELAY", unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
		{"SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{"TCP_KEEPIDLE", unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, int(keepAlive.Seconds())},
		{"TCP_USER_TIMEOUT", unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(userTimeout.Milliseconds())},
	} {
		var got int
		var failed error
		if err := raw.Control(func(fd uintptr) { got, failed = unix.GetsockoptInt(int(fd), o.level, o.option) }); err != nil {
			t.Fatal(err)
		}
		if failed != nil || got != o.want {
			t.Errorf("%s is %d (%v), want %d", o.name, got, failed, o.want)
		}
	}
	_ = conn.Close()
	_ = server.Close()
	<-ended
}

package gateway

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"evergate/gateway/config"
	"evergate/gateway/loop"
	"evergate/gateway/worker"
)

// passed makes a socket as a service manager passes it: listening, under a name.
func passed(t *testing.T, network, address, name string) (file *os.File, addr string) {
	t.Helper()
	ln, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	addr = ln.Addr().String()
	var opened *os.File
	switch ln := ln.(type) {
	case *net.TCPListener:
		opened, err = ln.File()
	case *net.UnixListener:
		ln.SetUnlinkOnClose(false)
		opened, err = ln.File()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	fd, err := syscall.Dup(int(opened.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fd), name), addr
}

// TestInheritedSocketPassesToAnotherService: its path stays when the gateway ends, since it is not the gateway's.
func TestInheritedSocketPassesToAnotherService(t *testing.T) {
	n := startNode(t)
	path := filepath.Join(t.TempDir(), "socket")
	unix, _ := passed(t, "unix", path, "x.socket")
	conf := config.Default()
	conf.Services = []config.Service{{Name: "first", Listen: []string{"unix:" + path}, Primary: n.addr}}
	g, err := newWith(conf, nil, loop.New)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(g.Inherit([]*os.File{unix}), g.Start()); err != nil {
		t.Fatal(err)
	}
	reload(t, g, func(c *config.Gateway) { c.Services[0].Name = "renamed" })
	known(t, g, "renamed")
	connect(t, path).want("+PONG\r\n", "PING")
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestInheritedSocketsReplaceListeners(t *testing.T) {
	n := startNode(t)
	path := filepath.Join(t.TempDir(), "socket")
	byAddress, at := passed(t, "tcp", "127.0.0.1:0", "x.socket")
	unix, _ := passed(t, "unix", path, "x.socket")
	byName, named := passed(t, "tcp", "127.0.0.1:0", "second")
	conf := config.Default()
	conf.Services = []config.Service{
		{Name: "first", Listen: []string{"127.0.0.1:0", at, "unix:" + path}, Primary: n.addr},
		{Name: "second", Listen: []string{"127.0.0.1:0"}, Primary: n.addr},
	}
	g, err := newWith(conf, nil, loop.New)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if err := errors.Join(g.Inherit([]*os.File{byAddress, unix, byName}), g.Start()); err != nil {
		t.Fatal(err)
	}
	addrs := g.Addrs()
	if addrs[1].String() != at || addrs[2].String() != path || addrs[3].String() != named {
		t.Errorf("%v, want %s, %s and %s", addrs, at, path, named)
	}
	for _, addr := range addrs {
		c, err := net.Dial(addr.Network(), addr.String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write([]byte("PING\r\n")); err != nil {
			t.Fatal(err)
		}
		reply := make([]byte, 7)
		if _, err := c.Read(reply); err != nil || string(reply) != "+PONG\r\n" {
			t.Errorf("%s: %q %v", addr, reply, err)
		}
		_ = c.Close()
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the path of a socket of the service manager is gone: %v", err)
	}
}

func TestSocketWithoutAListenerFailsTheStart(t *testing.T) {
	conf := config.Default()
	conf.Services = []config.Service{{Name: "first", Listen: []string{"127.0.0.1:0"}, Primary: "127.0.0.1:1"}}
	g, err := newWith(conf, nil, loop.New)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	stray, at := passed(t, "tcp", "127.0.0.1:0", "x.socket")
	if err := g.Inherit([]*os.File{stray}); err != nil {
		t.Fatal(err)
	}
	if err := g.Start(); err == nil || !strings.Contains(err.Error(), at+" (x.socket) fits no listener") {
		t.Error(err)
	}
	plain, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Inherit([]*os.File{plain}); err == nil {
		t.Error("/dev/null is a socket")
	}
}

func TestSocketsAreComparedByMeaning(t *testing.T) {
	all := &net.TCPAddr{IP: net.IPv6unspecified, Port: 6379}
	one := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 6379}
	path := &net.UnixAddr{Name: "/run/x", Net: "unix"}
	for _, c := range []struct {
		addr    net.Addr
		address string
		want    bool
	}{
		{all, ":6379", true}, {all, "0.0.0.0:6379", true}, {all, "[::]:6379", true}, {all, "127.0.0.1:6379", false},
		{all, ":6380", false}, {one, "127.0.0.1:6379", true}, {one, ":6379", false}, {one, "unix:/run/x", false},
		{path, "unix:/run//x", true}, {path, "unix:/run/y", false}, {path, ":6379", false}, {one, "nonsense", false},
	} {
		if isAt(c.addr, c.address) != c.want {
			t.Errorf("%s is at %s: %t", c.addr, c.address, !c.want)
		}
	}
}

// TestTurnProvesThatLoopsTurn: it waits for each loop and each topology, and fails while one is stuck.
func TestTurnProvesThatLoopsTurn(t *testing.T) {
	g, _ := start(t, loop.New, startNode(t), nil)
	if err := g.Turn(t.Context()); err != nil {
		t.Fatal(err)
	}
	stuck, free := make(chan struct{}), make(chan struct{})
	g.loops[0].Post(func(*worker.Worker) {
		close(stuck)
		<-free
	})
	<-stuck
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.Turn(ctx); err == nil || !strings.HasPrefix(err.Error(), "event loop 0: ") {
		t.Error(err)
	}
	close(free)
	if err := g.Turn(t.Context()); err != nil {
		t.Error(err)
	}
}

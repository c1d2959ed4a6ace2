package gateway

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"evergate/gateway/config"
	"evergate/gateway/loop"
)

// TestFirstClientsWaitForTheTopology: a client that connects while the gateway starts, as those that wait in a socket
// of systemd do at each restart, gets an answer of the servers, not LOADING.
func TestFirstClientsWaitForTheTopology(t *testing.T) {
	n := startNode(t)
	late, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	conf := config.Default()
	conf.Services = []config.Service{{Name: "default", Listen: []string{"127.0.0.1:0"}, Primary: late.Addr().String()}}
	g, err := newWith(conf, nil, loop.New)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Start(); err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", g.Addrs()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("GET k\r\n")); err != nil {
		t.Fatal(err)
	}
	reply := make([]byte, 5)
	if err := c.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Read(reply); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the reply is %q %v", reply[:got], err)
	}
	relayed := make(chan struct{})
	go func() {
		defer close(relayed)
		relay(late, n.addr)
	}()
	if err := c.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, reply); err != nil || string(reply) != "$-1\r\n" {
		t.Errorf("the reply is %q %v", reply, err)
	}
	if err := errors.Join(g.Close(), late.Close()); err != nil {
		t.Error(err)
	}
	<-relayed
}

// relay passes connections on to an address, until its listener is closed.
func relay(ln net.Listener, to string) {
	for {
		from, err := ln.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", to)
		if err != nil {
			_ = from.Close()
			return
		}
		go func() {
			_, _ = io.Copy(server, from)
			_ = server.Close()
		}()
		go func() {
			_, _ = io.Copy(from, server)
			_ = from.Close()
		}()
	}
}

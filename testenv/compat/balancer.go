package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"evergate/testenv/servers"
)

// front is what leads clients to the gateways.
type front struct {
	at    string
	close func()
	// accepted is how many connections it has taken; nil: they are not counted.
	accepted *atomic.Int64
	// settled returns when a gateway that was restarted is used again; nil: it is at once.
	settled func(context.Context) error
}

// relay is the balancer of our own.
func relay(addr string, gates []string) (*front, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	f := &front{at: addr, accepted: new(atomic.Int64)}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			client, err := ln.Accept()
			if err != nil {
				return
			}
			all.Go(func() { pass(ctx, client, gates, int(f.accepted.Add(1))) })
		}
	})
	f.close = func() { cancel(); _ = ln.Close(); all.Wait() }
	return f, nil
}

// pass connects a client to the first gateway in turn that accepts, and passes bytes until either closes.
func pass(ctx context.Context, client net.Conn, gates []string, turn int) {
	defer client.Close()
	for i := range gates {
		gate, err := net.Dial("tcp", gates[(turn+i)%len(gates)])
		if err != nil {
			continue
		}
		defer context.AfterFunc(ctx, func() { _ = gate.Close() })()
		go func() {
			_, _ = io.Copy(gate, client)
			_ = gate.Close()
		}()
		_, _ = io.Copy(client, gate)
		_ = gate.Close()
		return
	}
}

// haproxyLines are the settings of docs/guide/two-gateways.md, with addresses to fill in.
const haproxyLines = `defaults
  mode tcp
  timeout connect 1s
  timeout client 1h
  timeout server 1h
  retries 3
  option redispatch
listen redis
  bind %s
  default-server check inter 500ms on-marked-down shutdown-sessions
%s`

// runHAProxy runs HAProxy.
func runHAProxy(addr string, gates []string) (*front, error) {
	program, err := exec.LookPath("haproxy")
	if err != nil {
		return nil, errors.New("haproxy is not here")
	}
	dir, err := os.MkdirTemp("", "evergate-haproxy-")
	if err != nil {
		return nil, err
	}
	var lines strings.Builder
	for i, gate := range gates {
		fmt.Fprintf(&lines, "  server gateway-%d %s\n", i+1, gate)
	}
	file := filepath.Join(dir, "haproxy.cfg")
	if err := os.WriteFile(file, fmt.Appendf(nil, haproxyLines, addr, lines.String()), 0o600); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	process, err := servers.StartProcess(dir, filepath.Join(dir, "log"), program, []string{"-db", "-f", file})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	err = servers.WaitFor(context.Background(), "HAProxy", func() error {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return err
		}
		return c.Close()
	})
	f := &front{at: addr, close: func() { _ = process.Kill(); _ = os.RemoveAll(dir) }}
	if err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

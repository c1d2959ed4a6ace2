//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"evergate/testenv/servers"
)

// Reads over replicas where servers are the bottleneck. A machine with few cores has no servers that are slow and leave
// time to the gateway. So each server is behind a proxy that passes on one command after the other, from all
// connections together, and takes a fixed time for each, whatever it is: the servers have a rate, and use no time of
// the machine.

var (
	slowReads = appGoal{"servers of 2,000 commands a second: GET on 2 replicas / on the primary alone", 1.8, true}
	slowMixed = appGoal{"the same with 10% SET over 10,000 keys: GET a second", 1.8, true}
)

const (
	// slowEach is the time for one command, slowQueue how many of a connection may wait.
	slowEach  = 500 * time.Microsecond
	slowQueue = 1024
)

// slowed is a server that takes its time.
type slowed struct {
	net.Listener
	server string

	mu   sync.Mutex
	free time.Time // when it has done all that it has got; guarded by mu
}

// slow returns the server at an address, slowed, until the Listener is closed.
func slow(server string) (*slowed, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &slowed{Listener: l, server: server}
	go s.run()
	return s, nil
}

func (s *slowed) run() {
	for {
		client, err := s.Accept()
		if err != nil {
			return
		}
		go s.serve(servers.NewConn(client))
	}
}

// serve passes on the commands of one connection, and the replies as they come.
func (s *slowed) serve(client *servers.Conn) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("tcp", s.server)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	go func() {
		_, _ = io.Copy(client.Conn, server)
		_ = client.Close()
	}()
	// The time of a command begins when it comes, however late the one before it was passed on.
	queue := make(chan taken, slowQueue)
	defer close(queue)
	go func() {
		for c := range queue {
			time.Sleep(time.Until(c.done))
			_, _ = server.Write(c.command) // the copy of replies ends with the connection
		}
	}()
	client.Within(time.Hour)
	for {
		command, err := client.Frame()
		if err != nil {
			return
		}
		queue <- taken{command, s.turn()}
	}
}

// taken is a command that has come, and when it is done.
type taken struct {
	command []byte
	done    time.Time
}

// turn returns when a command that has come now is done.
func (s *slowed) turn() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); s.free.Before(now) {
		s.free = now
	}
	s.free = s.free.Add(slowEach)
	return s.free
}

// measureSlowed measures reads before slow servers: of the primary alone, and of two replicas.
func (s *site) measureSlowed(ctx context.Context, o options, env *servers.Env) ([]appFigure, error) {
	var addrs []string
	for _, n := range env.Nodes() {
		proxy, err := slow(n.Addr)
		if err != nil {
			return nil, err
		}
		defer func() { _ = proxy.Close() }()
		addrs = append(addrs, proxy.Addr().String())
	}
	var gateways []*fresh
	for _, reads := range []string{"primary", "prefer-replica"} {
		addr, err := freeAddr()
		if err != nil {
			return nil, err
		}
		t, err := s.gateway("slowed-"+reads, addr, 1, "--primary", addrs[0], "--replica", addrs[1]+","+addrs[2],
			"--reads", reads)
		if err != nil {
			return nil, err
		}
		if err := t.answers(ctx, bulk(value(0)), "GET", key(0)); err != nil {
			return nil, err
		}
		gateways = append(gateways, &fresh{env, t})
	}
	var figures []appFigure
	for _, part := range []struct {
		goal   appGoal
		writes int
	}{{slowReads, 0}, {slowMixed, mixedWrites}} {
		var ratios []float64
		var rates [2][]float64
		for range o.rounds {
			for i, f := range gateways {
				rate, err := f.readRate(o, part.writes)
				if err != nil {
					return nil, err
				}
				rates[i] = append(rates[i], rate)
			}
			last := len(rates[0]) - 1
			ratios = append(ratios, rates[1][last]/rates[0][last])
		}
		figures = append(figures, part.goal.judge(ratios, fmt.Sprintf("%.0f and %.0f a second, %d connections",
			summaryOf(rates[1]).Median, summaryOf(rates[0]).Median, o.conns)))
	}
	return figures, nil
}

// readRate has clients read, and returns how many reads a second they got; one of so many requests is a write, 0: none.
func (f *fresh) readRate(o options, writes int) (float64, error) {
	var running sync.WaitGroup
	var reads atomic.Int64
	errs := make([]error, o.conns)
	began := time.Now()
	for i := range o.conns {
		running.Go(func() {
			n, err := f.readAndWrite(i, mixedKeys, writes, began.Add(o.each()))
			reads.Add(int64(n))
			errs[i] = err
		})
	}
	running.Wait()
	return float64(reads.Load()) / time.Since(began).Seconds(), errors.Join(errs...)
}

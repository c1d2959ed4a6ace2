//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"evergate/testenv/servers"
)

// rated is a load that does not wait for its target: requests are sent at fixed times, as users send them.
type rated struct {
	requests int // a second, of all connections
	pipeline int
}

// ratedLoads are those of docs/operations/capacity.md.
var ratedLoads = []rated{{requests: 10_000, pipeline: 1}, {requests: 100_000, pipeline: 16}}

// ratedFigures are those of a round. Latencies count from when a request should have been sent.
type ratedFigures struct {
	requests, cores float64 // requests a second; how many cores the target's process kept busy
	p50, p99        float64 // nanoseconds
	resident        float64 // bytes
}

// ratedClient is one connection, with its own latencies.
type ratedClient struct {
	conn      net.Conn
	batch     batch
	latencies histogram
	err       error
}

// measureRated runs a load of GETs against a target for a while, after a second of warming up.
func measureRated(ctx context.Context, t *target, of rated, conns int, length time.Duration) (
	f ratedFigures, err error) {
	batches, err := small.batches("GET", of.pipeline)
	if err != nil {
		return f, err
	}
	var clients []*ratedClient
	defer func() {
		for _, c := range clients {
			err = errors.Join(err, c.conn.Close())
		}
	}()
	for i := range conns {
		conn, err := net.Dial("tcp", t.addr)
		if err != nil {
			return f, err
		}
		clients = append(clients, &ratedClient{conn: conn, batch: batches[i%len(batches)]})
	}
	every := time.Duration(float64(time.Second) * float64(conns*of.pipeline) / float64(of.requests))
	begin := time.Now().Add(time.Second)
	end := begin.Add(length)
	var done sync.WaitGroup
	for i, c := range clients {
		done.Go(func() {
			c.err = c.run(begin.Add(every*time.Duration(i)/time.Duration(conns)-time.Second), begin, end, every)
		})
	}
	cpu := &meter{pid: t.pid}
	for _, at := range []time.Time{begin, end} {
		select {
		case <-time.After(time.Until(at)):
		case <-ctx.Done():
			return f, ctx.Err()
		}
		err = errors.Join(err, cpu.sample())
	}
	done.Wait()
	var all histogram
	for _, c := range clients {
		err = errors.Join(err, c.err)
		for i, n := range c.latencies.cells {
			all.cells[i] += n
		}
		all.count += c.latencies.count
	}
	resident, residentErr := servers.ResidentBytes(t.pid)
	return ratedFigures{
		requests: float64(all.count) * float64(of.pipeline) / length.Seconds(), cores: cpu.used.Seconds() / length.Seconds(),
		p50: float64(all.quantile(0.50)), p99: float64(all.quantile(0.99)), resident: float64(resident),
	}, errors.Join(err, residentErr)
}

// run sends a batch at each of its times. Those between begin and end count.
func (c *ratedClient) run(at, begin, end time.Time, every time.Duration) error {
	replies := make([]byte, len(c.batch.replies))
	for ; at.Before(end); at = at.Add(every) {
		time.Sleep(time.Until(at))
		if err := c.conn.SetDeadline(time.Now().Add(servers.Patience)); err != nil {
			return err
		}
		if _, err := c.conn.Write(c.batch.request); err != nil {
			return err
		}
		if _, err := io.ReadFull(c.conn, replies); err != nil {
			return err
		}
		if !bytes.Equal(replies, c.batch.replies) {
			return fmt.Errorf("a wrong reply: %.40q", replies)
		}
		if !at.Before(begin) {
			c.latencies.add(time.Since(at), 1)
		}
	}
	return nil
}

// rates measures the gateway and the server itself at fixed rates, and prints the medians over the rounds.
func (s *site) rates(ctx context.Context, w io.Writer, o options) error {
	targets, err := s.targets(ctx, "direct", subject)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%14s  %12s  %10s  %6s  %16s  %16s  %6s\n", "at fixed rates", "requests/s", "pipelines", "cores",
		"p50 us, added", "p99 us, added", "MB")
	for _, of := range ratedLoads {
		rounds := make([][]ratedFigures, len(targets))
		for round := range o.rounds {
			for _, i := range order(len(targets), round) {
				f, err := measureRated(ctx, targets[i], of, o.conns, o.each())
				if err != nil {
					return fmt.Errorf("%s: %w", targets[i].name, err)
				}
				rounds[i] = append(rounds[i], f)
			}
		}
		middle := func(i int, of func(ratedFigures) float64) float64 {
			values := make([]float64, 0, o.rounds)
			for _, f := range rounds[i] {
				values = append(values, of(f))
			}
			slices.Sort(values)
			return values[len(values)/2]
		}
		for i, t := range targets {
			added := func(of func(ratedFigures) float64) string {
				return fmt.Sprintf("%.0f, %+.0f", middle(i, of)/1e3, (middle(i, of)-middle(0, of))/1e3)
			}
			fmt.Fprintf(w, "%14s  %12.0f  %10d  %6.2f  %16s  %16s  %6.1f\n", t.name,
				middle(i, func(f ratedFigures) float64 { return f.requests }), of.pipeline,
				middle(i, func(f ratedFigures) float64 { return f.cores }),
				added(func(f ratedFigures) float64 { return f.p50 }), added(func(f ratedFigures) float64 { return f.p99 }),
				middle(i, func(f ratedFigures) float64 { return f.resident })/1e6)
		}
	}
	return nil
}

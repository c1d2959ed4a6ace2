//go:build linux

package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"evergate/testenv/servers"
)

// Writes that a replica confirms (--acks 1) against those that none does, and against a client that sends WAIT itself.

var (
	acksRate    = appGoal{"SET, acks 1 / acks 0, pipeline 16: writes a second", 0.6, true}
	acksLatency = appGoal{"SET with acks 1 / SET, then WAIT straight, one connection: median", 1.2, false}
)

// acksWrites is how many writes of one connection are timed in a round, on each way.
const acksWrites = 2000

// measureAcks measures both before one primary with a replica.
func (s *site) measureAcks(ctx context.Context, o options) ([]appFigure, error) {
	env, err := servers.Plain(servers.Options{Replicas: 1})
	if err != nil {
		return nil, err
	}
	s.envs = append(s.envs, env)
	nodes := env.Nodes()
	var gateways []*target
	for _, level := range []string{"0", "1"} {
		addr, err := freeAddr()
		if err != nil {
			return nil, err
		}
		t, err := s.gateway("acks-"+level, addr, 1, "--primary", nodes[0].Addr, "--replica", nodes[1].Addr, "--acks", level,
			"--acks-timeout", "10s")
		if err != nil {
			return nil, err
		}
		if err := t.answers(ctx, []byte("+OK\r\n"), "SET", key(0), string(value(0))); err != nil {
			return nil, err
		}
		gateways = append(gateways, t)
	}
	c, err := o.comparison("16")
	if err != nil {
		return nil, err
	}
	c.scenarios, c.targets = []scenario{{Command: "SET", Pipeline: 16}}, gateways
	all, err := c.run(ctx)
	if err != nil {
		return nil, err
	}
	var rates, latencies []float64
	for i := range all[1].Rounds {
		rates = append(rates, all[1].Rounds[i].Requests/all[0].Rounds[i].Requests)
	}
	for range o.rounds {
		ratio, err := confirmedLatency(gateways[1].addr, nodes[0].Addr)
		if err != nil {
			return nil, err
		}
		latencies = append(latencies, ratio)
	}
	detail := fmt.Sprintf("%d connections", o.conns)
	return []appFigure{acksRate.judge(rates, detail), acksLatency.judge(latencies, "")}, nil
}

// confirmedLatency returns the median latency of a write that the gateway has confirmed over that of a SET and a WAIT,
// one after the other, straight to the server.
func confirmedLatency(gateway, server string) (ratio float64, err error) {
	through, err := servers.Dial(gateway)
	if err != nil {
		return 0, err
	}
	defer func() { _ = through.Close() }()
	straight, err := servers.Dial(server)
	if err != nil {
		return 0, err
	}
	defer func() { _ = straight.Close() }()
	var confirmed, waited []time.Duration
	for i := range acksWrites {
		began := time.Now()
		if reply, err := through.Do("SET", key(i%10), string(value(0))); err != nil || string(reply) != "+OK\r\n" {
			return 0, fmt.Errorf("SET through the gateway: %q, %w", reply, err)
		}
		between := time.Now()
		if reply, err := straight.Do("SET", key(i%10), string(value(0))); err != nil || string(reply) != "+OK\r\n" {
			return 0, fmt.Errorf("SET: %q, %w", reply, err)
		}
		if reply, err := straight.Do("WAIT", "1", "10000"); err != nil || string(reply) != ":1\r\n" {
			return 0, fmt.Errorf("WAIT: %q, %w", reply, err)
		}
		confirmed, waited = append(confirmed, between.Sub(began)), append(waited, time.Since(between))
	}
	slices.Sort(confirmed)
	slices.Sort(waited)
	return float64(confirmed[acksWrites/2]) / float64(waited[acksWrites/2]), nil
}

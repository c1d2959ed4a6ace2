//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"evergate/testenv/servers"
)

// Reads of replicas that are proven to have what was written (--consistency gateway), against those of any replica, and
// which servers serve them while clients write.

var (
	freshCPU   = appGoal{"GET, consistency gateway / eventual: the gateway's CPU a request", 1.05, false}
	freshShare = appGoal{"90% GET, 10% SET over 10,000 keys: share of GET on replicas", 0.95, true}
	freshEven  = appGoal{"the same: GET on one replica / on the other", 0.9, true}
	freshAfter = appGoal{"own write to the moment when a replica serves its key, ms: median", 10, false}
	freshHot   = appGoal{"90% GET, 10% SET over 10 keys: share of GET on replicas", 0, true}
)

const (
	mixedKeys, hotKeys = 10000, 10
	// mixedWrites: one of so many requests is a write.
	mixedWrites = 10
	// afterWrites is how many writes are timed in a round until a replica serves their key.
	afterWrites = 50
)

// fresh is a primary with two replicas, and gateways in front of them.
type fresh struct {
	env     *servers.Env
	gateway *target
}

// measureConsistency measures reads of replicas.
func (s *site) measureConsistency(ctx context.Context, o options) ([]appFigure, error) {
	env, err := servers.Plain(servers.Options{Replicas: 2})
	if err != nil {
		return nil, err
	}
	s.envs = append(s.envs, env)
	nodes := env.Nodes()
	if err := errors.Join(small.fill(nodes[0].Addr), env.Groups[0].AwaitOffsets(servers.Patience)); err != nil {
		return nil, err
	}
	var gateways []*target
	for _, consistency := range []string{"eventual", "gateway"} {
		addr, err := freeAddr()
		if err != nil {
			return nil, err
		}
		t, err := s.gateway("consistency-"+consistency, addr, 1, "--primary", nodes[0].Addr, "--replica",
			nodes[1].Addr+","+nodes[2].Addr, "--reads", "prefer-replica", "--consistency", consistency)
		if err != nil {
			return nil, err
		}
		if err := t.answers(ctx, bulk(value(0)), "GET", key(0)); err != nil {
			return nil, err
		}
		gateways = append(gateways, t)
	}
	all, err := comparedRounds(ctx, o, []scenario{{Command: "GET", Pipeline: 1}}, gateways...)
	if err != nil {
		return nil, err
	}
	detail := fmt.Sprintf("%.2f and %.2f us", summaryOf(cpu.over(all[1].Rounds)).Median/1e3,
		summaryOf(cpu.over(all[0].Rounds)).Median/1e3)
	figures := []appFigure{freshCPU.judge(ratios(cpu, all[1].Rounds, all[0].Rounds), detail)}
	f := fresh{env, gateways[1]}
	var shares, even, hot, after []float64
	for range o.rounds {
		share, balance, err := f.mixed(ctx, o, mixedKeys)
		if err != nil {
			return nil, err
		}
		hotShare, _, err := f.mixed(ctx, o, hotKeys)
		if err != nil {
			return nil, err
		}
		took, err := f.afterWrite()
		if err != nil {
			return nil, err
		}
		shares, even, hot, after = append(shares, share), append(even, balance), append(hot, hotShare), append(after, took)
	}
	figures = append(figures, freshShare.judge(shares, fmt.Sprintf("%d connections", o.conns)), freshEven.judge(even, ""),
		freshHot.judge(hot, "reported"), freshAfter.judge(after, ""))
	slowed, err := s.measureSlowed(ctx, o, env)
	return append(figures, slowed...), err
}

// mixed has clients read and write so many keys, and returns the share of GETs that replicas served, and how many the
// less busy replica served for one of the other.
func (f *fresh) mixed(ctx context.Context, o options, keys int) (share, even float64, err error) {
	before, err := f.served(ctx)
	if err != nil {
		return 0, 0, err
	}
	var running sync.WaitGroup
	var asked atomic.Int64
	errs := make([]error, o.conns)
	until := time.Now().Add(o.each())
	for i := range o.conns {
		running.Go(func() {
			n, err := f.readAndWrite(i, keys, mixedWrites, until)
			asked.Add(int64(n))
			errs[i] = err
		})
	}
	running.Wait()
	after, servedErr := f.served(ctx)
	if err := errors.Join(append(errs, servedErr)...); err != nil {
		return 0, 0, err
	}
	one, other := after[1]-before[1], after[2]-before[2]
	return float64(one+other) / float64(asked.Load()), float64(min(one, other)) / float64(max(one, other, 1)), nil
}

// readAndWrite is one client: one of so many requests is a write, 0: none. It returns the number of reads.
func (f *fresh) readAndWrite(client, keys, writes int, until time.Time) (reads int, err error) {
	conn, err := servers.Dial(f.gateway.addr)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }()
	random := rand.New(rand.NewPCG(uint64(client), 1))
	for n := 0; time.Now().Before(until); n++ {
		args := []string{"GET", fmt.Sprint("mixed:", random.IntN(keys))}
		if writes > 0 && n%writes == 0 {
			args = []string{"SET", args[1], string(value(0))}
		} else {
			reads++
		}
		if reply, err := conn.Do(args...); err != nil || reply[0] == '-' {
			return reads, fmt.Errorf("%s: %.100q, %w", args[0], reply, err)
		}
	}
	return reads, nil
}

// served is how many GETs each server has executed.
func (f *fresh) served(ctx context.Context) (counts [3]int64, err error) {
	for i, n := range f.env.Nodes() {
		text, err := n.Client().Info(ctx, "commandstats").Result()
		if err != nil {
			return counts, err
		}
		if _, after, found := strings.Cut(text, "cmdstat_get:calls="); found {
			if _, err := fmt.Sscan(strings.SplitN(after, ",", 2)[0], &counts[i]); err != nil {
				return counts, err
			}
		}
	}
	return counts, nil
}

// afterWrite returns the median time, in milliseconds, from the reply to a write until a read of its key is served by a
// replica: the gateway counts no more reads on the primary.
func (f *fresh) afterWrite() (ms float64, err error) {
	conn, err := servers.Dial(f.gateway.addr)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }()
	var took []time.Duration
	for i := range afterWrites {
		if reply, err := conn.Do("SET", fmt.Sprint("after:", i), "x"); err != nil || string(reply) != "+OK\r\n" {
			return 0, fmt.Errorf("SET: %.100q, %w", reply, err)
		}
		began, served := time.Now(), false
		for last := ""; !served; {
			if _, err := conn.Do("GET", fmt.Sprint("after:", i)); err != nil {
				return 0, err
			}
			now, err := onPrimary(conn)
			if err != nil {
				return 0, err
			}
			served, last = now == last, now
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return float64(took[len(took)/2].Microseconds()) / 1000, nil
}

// onPrimary is how many reads a primary got though clients read from replicas, by reason, as the gateway's INFO has it.
func onPrimary(conn *servers.Conn) (string, error) {
	reply, err := conn.Do("INFO", "failover")
	if err != nil {
		return "", err
	}
	_, after, found := strings.Cut(string(reply), "\r\nreads_on_primary:")
	if !found {
		return "", errors.New("INFO has no reads_on_primary")
	}
	line, _, _ := strings.Cut(after, "\r")
	return line, nil
}

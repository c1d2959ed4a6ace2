// Package hostile attacks a gateway from many sides at once, while well-behaved clients use it: they must get their own
// values, soon, and afterwards nothing of the attacks may be left.
//
//	go run ./testenv/hostile -minutes 10
//
// Each attack is a loop of its own (attacks.go, floods.go). The well-behaved clients check every value that they read
// (well.go). The verdict is in report.go: begin there.
package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"evergate/testenv/servers"
)

// Options are how long, and how strictly.
type Options struct {
	// Quiet is how long the well-behaved clients are alone, Attacked how long they are not.
	Quiet, Attacked time.Duration
	// Only are the names of the attacks to make; none: all.
	Only []string
	// Each is called with a line about what begins.
	Each func(line string)
}

const (
	password = "the-clients-password"
	// memoryMax is the memory that the gateway pretends to have: half of it for clients, and four fifths for Go, as by
	// default.
	memoryMax = 640 << 20
	// settleWithin is how soon after the attacks their memory must be given back.
	settleWithin = 30 * time.Second
)

// Run attacks a gateway with real servers behind it.
func Run(o Options) (r *Report, err error) {
	env, err := servers.Plain(servers.Options{Replicas: 1})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, env.Close()) }()
	gate, err := servers.RunGateway(servers.GatewayOptions{
		Args: []string{"--primary", env.Primary().Addr, "--workers", "1", "--max-clients", "1500", "--auth-timeout", "2s",
			"--client-memory-max", fmt.Sprint(memoryMax / 2), "--proto-max-bulk-len", "256mb"},
		Variables: []string{"EVERGATE_PASSWORD=" + password, fmt.Sprintf("GOMEMLIMIT=%d", memoryMax/5*4)},
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, gate.Close()) }()

	if err := awaitServers(gate.Addr); err != nil {
		return nil, err
	}
	r = &Report{}
	users := &well{addr: gate.Addr, password: password}
	direct := &well{addr: env.Primary().Addr}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var running sync.WaitGroup
	for i := range wellClients {
		running.Go(func() { users.use(ctx, i) })
		running.Go(func() { direct.use(ctx, i) })
	}
	o.Each("well-behaved clients alone, for " + o.Quiet.String())
	time.Sleep(o.Quiet)
	if r.Before, err = measure(gate); err != nil {
		return nil, err
	}
	r.Quiet, r.DirectQuiet = users.phase(), direct.phase()
	o.Each("attacks, for " + o.Attacked.String())
	r.Peak, r.Attempts = attack(gate, o)
	r.Attacked, r.DirectAttacked = users.phase(), direct.phase()
	o.Each("afterwards")
	r.After, r.Settled, err = settle(gate, r.Before)
	cancel()
	running.Wait()
	r.Mistakes = append(users.mistakes(), direct.mistakes()...)
	r.Closed = closedBy(gate.Addr)
	return r, err
}

// awaitServers waits until the gateway knows its servers.
func awaitServers(addr string) error {
	c, err := login(wellBehaved, addr, password)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), servers.Patience)
	defer cancel()
	return servers.WaitFor(ctx, "a write", func() error {
		reply, err := c.Do("SET", "ready", "yes")
		if err == nil && string(reply) != "+OK\r\n" {
			err = fmt.Errorf("%s", reply)
		}
		return err
	})
}

// attack makes all attacks. It returns the most memory that the gateway held meanwhile, and how often each attack was
// made.
func attack(gate *servers.Gateway, o Options) (peak int64, attempts map[string]int64) {
	ctx, cancel := context.WithTimeout(context.Background(), o.Attacked)
	defer cancel()
	target := &target{gate.Addr, attacker}
	var running sync.WaitGroup
	var made []*hostility
	for i := range attacks {
		if a := &attacks[i]; len(o.Only) == 0 || slices.Contains(o.Only, a.name) {
			made = append(made, a)
			running.Go(func() { target.repeat(ctx, a) })
		}
	}
	for ctx.Err() == nil {
		if held, err := gate.ResidentBytes(); err == nil {
			peak = max(peak, held)
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
	running.Wait()
	attempts = map[string]int64{}
	for _, a := range made {
		attempts[a.name] = a.made.Load()
	}
	return peak, attempts
}

// Held is what a gateway holds.
type Held struct {
	Resident    int64
	Descriptors int
	Goroutines  int
}

// measure asks the gateway, and the system.
func measure(gate *servers.Gateway) (h Held, err error) {
	if h.Resident, err = gate.ResidentBytes(); err != nil {
		return h, err
	}
	if h.Descriptors, err = servers.Descriptors(gate.Pid); err != nil {
		return h, err
	}
	c, err := login(wellBehaved, gate.Addr, password)
	if err != nil {
		return h, err
	}
	defer func() { _ = c.Close() }()
	info, err := c.Do("INFO", "gateway")
	if err != nil {
		return h, err
	}
	_, text, _ := strings.Cut(string(info), "goroutines:")
	_, err = fmt.Sscan(text, &h.Goroutines)
	return h, err
}

// settle waits until the gateway holds as much as before the attacks, and returns how long that took. It gives up after
// twice the time that is allowed.
func settle(gate *servers.Gateway, before Held) (h Held, took time.Duration, err error) {
	began := time.Now()
	for {
		if h, err = measure(gate); err != nil {
			return h, time.Since(began), err
		}
		if h.like(before) || time.Since(began) > 2*settleWithin {
			return h, time.Since(began), nil
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// like reports whether nothing is left of the attacks: up to 40 MB, which the tables of many clients take, and one
// connection or goroutine that comes and goes. The race detector gives no memory back.
func (h Held) like(before Held) bool {
	return (servers.RaceEnabled || h.Resident <= before.Resident+40<<20) && h.Descriptors <= before.Descriptors+1 &&
		h.Goroutines <= before.Goroutines+1
}

// closedBy returns the reasons for which the gateway closed clients, as INFO counts them.
func closedBy(addr string) string {
	c, err := login(wellBehaved, addr, password)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = c.Close() }()
	info, err := c.Do("INFO", "gateway")
	if err != nil {
		return err.Error()
	}
	_, text, _ := strings.Cut(string(info), "clients_closed:")
	text, _, _ = strings.Cut(text, "\r\n")
	return text
}

// Package hostile attacks a gateway from many sides at once, while well-behaved clients use it: they must get their own
// values, soon, and afterwards nothing of the attacks may be left.
//
//	go run ./testenv/hostile -minutes 10
//
// Each attack is a loop of its own (attacks.go, floods.go, tls.go), in a process of attackers (crew.go). The
// well-behaved clients, with TLS and without, check every value that they read (well.go). The verdict is in report.go:
// begin there.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"evergate/testenv/servers"
)

// Options are how long, and how strictly.
type Options struct {
	// Quiet is how long the well-behaved clients are alone, Apart how long they are attacked by attackers that get only
	// the processor time which nothing else wants, and Beside how long by others that are their equals. Zero: not at all.
	Quiet, Apart, Beside time.Duration
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

// site is what is attacked, and who uses it.
type site struct {
	gate   *servers.Gateway
	orders orders
	// plain and secure are well-behaved clients of the gateway's two listeners, direct those of the server itself.
	plain, secure, direct *well
}

// Run attacks a gateway with real servers behind it.
func Run(o Options) (r *Report, err error) {
	env, err := servers.Plain(servers.Options{Replicas: 1})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, env.Close()) }()
	dir, err := os.MkdirTemp("", "evergate-hostile-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, err := newSite(env.Primary().Addr, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.gate.Close()) }()
	s.orders.Only = o.Only
	if err := awaitServers(s.gate.Addr); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	for i := range wellClients {
		for _, w := range []*well{s.plain, s.secure, s.direct} {
			running.Go(func() { w.use(ctx, i) })
		}
	}
	if r, err = s.stages(o, dir); err != nil {
		return nil, err
	}
	cancel()
	running.Wait()
	r.Mistakes = slices.Concat(s.plain.mistakes(), s.secure.mistakes(), s.direct.mistakes())
	r.Closed = closedBy(s.gate.Addr)
	return r, nil
}

// newSite runs a gateway in front of a server, with certificates in dir.
func newSite(server, dir string) (*site, error) {
	ca, err := servers.NewAuthority("Evergate hostile CA")
	if err != nil {
		return nil, err
	}
	cert, key, err := ca.WritePair(dir, "gateway", servers.Issue{Hosts: []string{host}})
	if err != nil {
		return nil, err
	}
	port, err := servers.ReservePort(servers.IPv4Loopback)
	if err != nil {
		return nil, err
	}
	defer port.Release() // the gateway has it then
	s := &site{orders: orders{TLSAddr: port.Addr(), CA: filepath.Join(dir, "ca.crt")}}
	if err := servers.WriteCAs(s.orders.CA, ca); err != nil {
		return nil, err
	}
	s.gate, err = servers.RunGateway(servers.GatewayOptions{
		Args: []string{"--primary", server, "--tls-listen", port.Addr(), "--tls-cert-file", cert, "--tls-key-file", key,
			"--workers", "1", "--max-clients", "1500", "--auth-timeout", "2s", "--client-memory-max",
			fmt.Sprint(memoryMax / 2), "--proto-max-bulk-len", "256mb"},
		Variables: []string{"EVERGATE_PASSWORD=" + password, fmt.Sprintf("GOMEMLIMIT=%d", memoryMax/5*4)},
	})
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca.Certificate)
	s.orders.Addr = s.gate.Addr
	s.plain = &well{addr: s.gate.Addr, password: password}
	s.secure = &well{addr: port.Addr(), password: password, config: &tls.Config{RootCAs: roots, ServerName: host}}
	s.direct = &well{addr: server}
	return s, nil
}

// stages lets the well-behaved clients be alone, then attacked, and waits for what is left of the attacks.
func (s *site) stages(o Options, dir string) (r *Report, err error) {
	r = &Report{Attempts: map[string]int64{}}
	o.Each("well-behaved clients alone, for " + o.Quiet.String())
	time.Sleep(o.Quiet)
	if r.Before, err = measure(s.gate); err != nil {
		return nil, err
	}
	r.Quiet = s.phase()
	if o.Apart > 0 {
		o.Each("attackers of the lowest priority, for " + o.Apart.String())
		if err := s.attack(r, dir, o.Apart, true); err != nil {
			return nil, err
		}
		r.Apart = s.phase()
	}
	if o.Beside > 0 {
		o.Each("attackers of the same priority, for " + o.Beside.String())
		if err := s.attack(r, dir, o.Beside, false); err != nil {
			return nil, err
		}
		r.Beside = s.phase()
	}
	o.Each("afterwards")
	r.After, r.Settled, err = settle(s.gate, r.Before)
	return r, err
}

// phase ends a phase of all well-behaved clients.
func (s *site) phase() Seen { return Seen{s.plain.phase(), s.secure.phase(), s.direct.phase()} }

// awaitServers waits until the gateway knows its servers.
func awaitServers(addr string) error {
	c, err := login(wellBehaved, addr, password, nil)
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

// attack has all attacks made for a time, and adds to the report how often, and the most memory that the gateway held.
func (s *site) attack(r *Report, dir string, long time.Duration, apart bool) error {
	crew, err := s.orders.send(dir, apart)
	if err != nil {
		return err
	}
	over := time.After(long)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for attacking := true; attacking; {
		if held, err := s.gate.ResidentBytes(); err == nil {
			r.Peak = max(r.Peak, held)
		}
		select {
		case <-over:
			attacking = false
		case <-crew.Exited():
			attacking = false
		case <-tick.C:
		}
	}
	made, err := crew.recall()
	for name, n := range made {
		r.Attempts[name] += n
	}
	return err
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
	c, err := login(wellBehaved, gate.Addr, password, nil)
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
	c, err := login(wellBehaved, addr, password, nil)
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

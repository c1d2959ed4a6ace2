package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"evergate/testenv/servers"
)

// Maintenance measures libraries with their default settings, with and without the notifications that they ask for:
// while a primary is killed whose Sentinels wait for 5 s, and while two gateways are restarted one by one.

// maintained are the libraries with notifications; the arguments are HOST:PORT, CONNECTIONS, on or off, and cluster for
// cluster clients, which may get several addresses.
var maintained = []client{
	python("redis-py", "maintained.py", "redis"),
	{name: "go-redis", command: []string{filepath.Join(built, "go-clients"), "maintained"},
		absent: lacks(filepath.Join(built, "go-clients"))},
	node("node-redis", "maintained.js"),
}

const (
	// downAfter is the Sentinels' default.
	downAfter = 5 * time.Second
	// steadily is for how long the libraries work before and after what happens to them.
	steadily = 2 * time.Second
)

// kept is what a program of maintained prints.
type kept struct {
	Library    string         `json:"library"`
	Version    string         `json:"version"`
	Operations int            `json:"operations"`
	Errors     map[string]int `json:"errors"`
	Longest    int            `json:"longest"` // the longest operation, in milliseconds
	// Reconnects are the connections beyond the first ones; negative: they were not counted.
	Reconnects int64 `json:"-"`
}

// failed is how many operations ended in an error, and how many in UNCERTAIN, which no notification can avoid.
func (k *kept) failed() (n, unknown int) {
	for text, times := range k.Errors {
		if strings.Contains(text, uncertain) {
			unknown += times
		} else {
			n += times
		}
	}
	return n, unknown
}

// begin starts a program that works on the gateway at an address.
type begin func(addr string) (*program, error)

// dramas are what happens to the libraries, by its name.
var dramas = map[string]func(context.Context, options, begin) (kept, error){
	"failover": failingOver, "restart": restarting,
}

// maintain measures the chosen libraries and prints a line for each.
func maintain(ctx context.Context, o options) error {
	happens, place := dramas[o.maintenance], places[o.front]
	switch {
	case happens == nil:
		return fmt.Errorf("-maintenance is failover or restart, not %q", o.maintenance)
	case place.open == nil:
		return fmt.Errorf("-front is relay, haproxy, dns, keepalived or none, not %q", o.front)
	case o.front == "none" && !o.cluster:
		return errors.New("-front none needs -cluster: only cluster clients take several addresses")
	case o.cluster && place.apart:
		return fmt.Errorf("-cluster has no -front %s", o.front)
	case place.apart && !isApart():
		return goApart(ctx)
	case place.apart:
		if err := commands("ip link set lo up"); err != nil {
			return err
		}
	}
	failed := 0
	for _, c := range maintained {
		if o.only != "" && !slices.Contains(strings.Split(o.only, ","), c.name) {
			continue
		}
		if why := c.absent(); why != "" {
			fmt.Printf("%-10s not run: %s\n", c.name, why)
			continue
		}
		for _, notifications := range []string{"on", "off"} {
			k, err := happens(ctx, o, func(addr string) (*program, error) {
				args := []string{strconv.Itoa(o.connections), notifications}
				if o.cluster {
					args = append(args, "cluster")
				}
				p, err := start(ctx, c, addr, "", o.verbose, args...)
				if err == nil {
					_, err = p.line("ready", readyPatience)
				}
				return p, err
			})
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			n, unknown := k.failed()
			fmt.Printf("%-10s %-8s notifications %-3s  operations %6d  errors %4d  uncertain %4d  longest %6d ms",
				k.Library, k.Version, notifications, k.Operations, n, unknown, k.Longest)
			if k.Reconnects >= 0 {
				fmt.Printf("  reconnects %4d", k.Reconnects)
			}
			fmt.Println()
			for _, text := range slices.Sorted(maps.Keys(k.Errors)) {
				fmt.Printf("    %d times: %s\n", k.Errors[text], text)
			}
			if notifications == "on" && n > 0 {
				failed++
			}
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d libraries had errors although they were notified", failed)
	}
	return nil
}

// kept has the program stop, and returns what it prints; begun is how many connections it had before.
func (p *program) kept(front *front, begun int64) (k kept, err error) {
	time.Sleep(steadily)
	if _, err := p.in.Write([]byte("stop\n")); err != nil {
		return k, err
	}
	line, err := p.line("{", endPatience)
	if err != nil {
		return k, err
	}
	if k.Reconnects = -1; front.accepted != nil {
		k.Reconnects = front.accepted.Load() - begun
	}
	return k, json.Unmarshal([]byte(line), &k)
}

// failingOver kills the primary while a library works.
func failingOver(ctx context.Context, o options, begin begin) (k kept, err error) {
	env, err := servers.Sentinel(servers.Options{Replicas: 2, DownAfter: downAfter})
	if err != nil {
		return k, err
	}
	defer func() { err = errors.Join(err, env.Close()) }()
	port, err := servers.ReservePort(servers.IPv4Loopback)
	if err != nil {
		return k, err
	}
	defer port.Release()
	gate, err := servers.RunGateway(servers.GatewayOptions{
		Args: append([]string{"--sentinel", env.SentinelAddrs(), "--master-name", "main"}, o.facade(port.Addr())...)})
	if err != nil {
		return k, err
	}
	defer func() { err = errors.Join(err, gate.Close()) }()
	front, err := relay(port.Addr(), []string{gate.Addr})
	if err != nil {
		return k, err
	}
	defer front.close()
	return begin.during(front, func() error {
		time.Sleep(steadily)
		return strike(ctx, env, gate, "")
	})
}

// facade returns the flags for the clients, which know the gateways by an address; empty: by their own.
func (o *options) facade(announce string) []string {
	switch {
	case !o.cluster:
		return nil
	case announce == "":
		return []string{"--facade", "cluster"}
	}
	return []string{"--facade", "cluster", "--announce", announce}
}

// restarting restarts two gateways, one by one, while a library works.
func restarting(ctx context.Context, o options, begin begin) (k kept, err error) {
	env, err := servers.Plain(servers.Options{})
	if err != nil {
		return k, err
	}
	defer func() { err = errors.Join(err, env.Close()) }()
	at, err := places[o.front].open(ctx, env.Primary().Addr)
	if err != nil {
		return k, err
	}
	defer func() { err = errors.Join(err, at.close()) }()
	pair, err := runPair(at, o)
	if err != nil {
		return k, err
	}
	defer func() { err = errors.Join(err, pair.close()) }()
	front, err := at.front()
	if err != nil {
		return k, err
	}
	defer front.close()
	return begin.during(front, func() error {
		for i := range pair.gates {
			time.Sleep(steadily)
			if err := pair.restart(ctx, i, o.away); err != nil {
				return err
			}
			if front.settled != nil {
				if err := front.settled(ctx); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// during has a library work behind a balancer while something happens, and returns what it says of that.
func (b begin) during(front *front, happens func() error) (k kept, err error) {
	p, err := b(front.at)
	if err != nil {
		return k, err
	}
	defer p.end()
	begun := int64(0)
	if front.accepted != nil {
		begun = front.accepted.Load()
	}
	if err := happens(); err != nil {
		return k, err
	}
	return p.kept(front, begun)
}

// pair are two gateways in front of the same server.
type pair struct {
	options [2]servers.GatewayOptions
	gates   [2]*servers.Gateway
}

// runPair runs two gateways.
func runPair(at *place, o options) (p *pair, err error) {
	p = &pair{}
	for i := range p.gates {
		args := append([]string{"--primary", at.primary, "--drain-delay", o.delay}, at.args[i]...)
		args = append(args, o.facade(at.announce)...)
		if o.endpoint {
			args = append(args, "--moving-endpoint", at.addrs[1-i])
		}
		p.options[i] = servers.GatewayOptions{Args: args, Addr: at.addrs[i], Binary: at.binaries[i]}
		if err := p.run(i); err != nil {
			return nil, errors.Join(err, p.close())
		}
	}
	return p, nil
}

func (p *pair) run(i int) (err error) {
	p.gates[i], err = servers.RunGateway(p.options[i])
	return err
}

func (p *pair) close() (err error) {
	for _, gate := range p.gates {
		if gate != nil {
			err = errors.Join(err, gate.Close())
		}
	}
	return err
}

// restart ends a gateway as its service manager does, and runs it again after a while.
func (p *pair) restart(ctx context.Context, i int, away time.Duration) error {
	gate := p.gates[i]
	if err := gate.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-gate.Exited():
	case <-ctx.Done():
		return ctx.Err()
	}
	if code := gate.ExitCode(); code != 0 {
		return fmt.Errorf("a gateway ended with %d: %s", code, gate.Log())
	}
	p.gates[i] = nil
	if err := gate.Close(); err != nil {
		return err
	}
	time.Sleep(away)
	return p.run(i)
}

package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"evergate/testenv/servers"
)

// place is where two gateways run.
type place struct {
	// primary is the address of their server, addrs are their own, for clients and for MOVING.
	primary string
	addrs   [2]string
	// announce is the address that clients know of both; empty: they know each one's own.
	announce string
	// args are those that they need beside these; binaries run them, empty: the usual one.
	args     [2][]string
	binaries [2]string
	// front begins to lead clients to the gateways, which run.
	front func() (*front, error)
	close func() error
}

// kind is a kind of place.
type kind struct {
	// apart: it is opened in a network of its own, see goApart.
	apart bool
	// open opens a place for gateways in front of a server.
	open func(ctx context.Context, primary string) (*place, error)
}

// places are the kinds by the names that -front has.
var places = map[string]kind{
	"relay":      {open: onePort(relay)},
	"haproxy":    {open: onePort(runHAProxy)},
	"dns":        {open: inDNS, apart: true},
	"keepalived": {open: withVirtualAddress, apart: true},
	"none":       {open: unled},
}

// unled has nothing in front of the gateways: clients get the addresses of both.
func unled(ctx context.Context, primary string) (*place, error) {
	p, err := onePort(nil)(ctx, primary)
	if err == nil {
		p.announce = ""
		p.front = func() (*front, error) { return &front{at: strings.Join(p.addrs[:], ","), close: func() {}}, nil }
	}
	return p, err
}

// onePort has a balancer at a port of its own, in front of gateways at theirs.
func onePort(balance func(addr string, gates []string) (*front, error)) func(context.Context, string) (*place, error) {
	return func(_ context.Context, primary string) (*place, error) {
		p := &place{primary: primary}
		var ports []*servers.Port
		p.close = func() error {
			for _, port := range ports {
				port.Release()
			}
			return nil
		}
		for range 3 {
			port, err := servers.ReservePort(servers.IPv4Loopback)
			if err != nil {
				return nil, errors.Join(err, p.close())
			}
			ports = append(ports, port)
		}
		for i := range p.addrs {
			p.addrs[i] = ports[i].Addr()
			p.args[i] = []string{"--listen", p.addrs[i]}
		}
		p.announce = ports[2].Addr()
		p.front = func() (*front, error) { return balance(p.announce, p.addrs[:]) }
		return p, nil
	}
}

// apartVariable is set in a process that goApart has started.
const apartVariable = "EVERGATE_COMPAT_APART"

func isApart() bool { return os.Getenv(apartVariable) != "" }

// goApart runs this program again with the same arguments in a network of its own, where it may be the host of any name
// and address. Its mounts are seen nowhere else, and all of it is gone with it.
func goApart(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	args := []string{"--net", "--mount", "--kill-child"}
	if os.Geteuid() != 0 {
		args = append(args, "--map-root-user")
	}
	cmd := exec.CommandContext(ctx, "unshare", append(append(args, self), os.Args[1:]...)...)
	cmd.Env = append(os.Environ(), apartVariable+"=yes")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}

// commands runs commands, a line each, until one fails.
func commands(lines string) error {
	for line := range strings.Lines(lines) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
			return errors.New(strings.TrimSpace(line) + ": " + err.Error() + ": " + strings.TrimSpace(string(out)))
		}
	}
	return nil
}

// script writes a file that runs a program with arguments before those that it gets.
func script(dir, name string, words ...string) (string, error) {
	path := filepath.Join(dir, name)
	return path, os.WriteFile(path, []byte("#!/bin/sh\nexec "+strings.Join(words, " ")+" \"$@\"\n"), 0o700)
}

//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"evergate/testenv/servers"
)

// target is one way to a server: an address, and the measured process.
type target struct {
	name string
	addr string
	pid  int
	proc *servers.Process // nil for a server itself
	tls  *tls.Config      // nil: none
}

// site has everything that one run of the bench has built and started.
type site struct {
	dir      string // has configurations, logs and binaries; removed at the end
	module   string // root of the source
	evergate string // the gateway's binary; empty: it is built
	former   string // another build of it; empty: none
	started  []*servers.Process
	envs     []*servers.Env
	server   *target // the one server behind the targets
	cert     *pair   // what targets with TLS show; nil until one needs it
	watchers watchers
}

// former is the name of the target that is another build of the gateway.
const former = "former"

// alsoFormer adds the other build of the gateway, if there is one, to the names of targets.
func (s *site) alsoFormer(names []string) []string {
	if s.former != "" && !slices.Contains(names, former) {
		names = append(names, former)
	}
	return names
}

func newSite(evergate, former string) (*site, error) {
	module, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return nil, fmt.Errorf("find the source: %w", err)
	}
	for _, path := range []*string{&evergate, &former} {
		if *path == "" {
			continue
		}
		if *path, err = filepath.Abs(*path); err != nil {
			return nil, err
		}
	}
	dir, err := os.MkdirTemp("", "evergate-bench-")
	return &site{dir: dir, module: strings.TrimSpace(string(module)), evergate: evergate, former: former}, err
}

func (s *site) close() error {
	errs := []error{s.watchers.end()}
	for _, p := range s.started {
		errs = append(errs, p.Stop())
	}
	for _, env := range s.envs {
		errs = append(errs, env.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(s.dir))...)
}

// build compiles a main package of this module and returns the binary's path; testenv builds the gateway's.
func (s *site) build(pkg string) (string, error) {
	binary := filepath.Join(s.dir, filepath.Base(pkg))
	cmd := exec.Command("go", "build", "-o", binary, pkg)
	cmd.Dir = s.module
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return binary, nil
}

// run starts a program as a target.
func (s *site) run(name, addr, program string, args ...string) (*target, error) {
	p, err := servers.StartProcess(s.dir, filepath.Join(s.dir, name+".log"), program, args)
	if err != nil {
		return nil, err
	}
	s.started = append(s.started, p)
	return &target{name: name, addr: addr, pid: p.Pid, proc: p}, nil
}

// startServer starts the one server behind all targets, and fills it.
func (s *site) startServer() error {
	env, err := servers.Plain(servers.Options{})
	if err != nil {
		return err
	}
	s.envs = append(s.envs, env)
	node := env.Nodes()[0]
	s.server = &target{name: "direct", addr: node.Addr, pid: node.Pid()}
	return small.fill(node.Addr)
}

// gateway starts the gateway in front of the upstream in the flags.
func (s *site) gateway(name, addr string, workers int, upstream ...string) (*target, error) {
	binary, err := s.binary(name)
	if err != nil {
		return nil, err
	}
	args := append([]string{"run", "--listen", addr, "--workers", strconv.Itoa(workers), "--log-level", "warn"},
		upstream...)
	return s.run(name, addr, binary, args...)
}

// binary returns the build of the gateway that a target runs.
func (s *site) binary(name string) (path string, err error) {
	switch {
	case name == former && s.former == "":
		err = errors.New("-targets: former wants -former PATH")
	case name == former:
		return s.former, nil
	case s.evergate == "":
		s.evergate, err = servers.BuildGateway()
	}
	return s.evergate, err
}

// answers waits until the target replies want, a whole frame, to a command.
func (t *target) answers(ctx context.Context, want []byte, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	err := servers.WaitFor(ctx, t.name+" to serve "+t.addr, func() error {
		select {
		case <-t.proc.Exited():
			cancel()
			return fmt.Errorf("it ended with code %d", t.proc.ExitCode())
		default:
		}
		conn, err := t.ask(want, args...)
		if err == nil {
			err = conn.Close()
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("%w\n%s", err, t.proc.LogTail(2000))
	}
	return nil
}

// ask connects to the target and compares its reply to one command, a whole frame, with the right one.
func (t *target) ask(want []byte, args ...string) (net.Conn, error) {
	conn, err := net.DialTimeout("tcp", t.addr, 5*time.Second)
	if err != nil {
		return nil, err
	}
	if t.tls != nil {
		conn = tls.Client(conn, t.tls)
	}
	got := make([]byte, len(want))
	err = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if err == nil {
		_, err = conn.Write(servers.AppendCommand(nil, args...))
	}
	if err == nil {
		_, err = io.ReadFull(conn, got)
	}
	if err == nil && !bytes.Equal(got, want) {
		err = fmt.Errorf("wrong reply: it says %.60q, not %.60q", got, want)
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// freeAddr returns a free loopback address.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

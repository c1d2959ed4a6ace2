//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// target is one way to the server: an address, and the process whose CPU time is counted.
type target struct {
	name string
	addr string
	proc *process
}

// site is what one run of the bench has built and started.
type site struct {
	dir      string // holds everything; removed at the end
	module   string // root of the source
	evergate string // the binary; built when empty
	started  []*process
	server   *target
}

func newSite(evergate string) (*site, error) {
	module, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return nil, fmt.Errorf("find the source: %w", err)
	}
	if evergate != "" {
		if evergate, err = filepath.Abs(evergate); err != nil {
			return nil, err
		}
	}
	dir, err := os.MkdirTemp("", "evergate-bench-")
	return &site{dir: dir, module: strings.TrimSpace(string(module)), evergate: evergate}, err
}

func (s *site) close() {
	for i := len(s.started) - 1; i >= 0; i-- {
		s.started[i].stop()
	}
	os.RemoveAll(s.dir)
}

// build compiles a main package of this module and returns the binary's path.
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
	p, err := start(s.dir, name, program, args...)
	if err != nil {
		return nil, err
	}
	s.started = append(s.started, p)
	return &target{name: name, addr: addr, proc: p}, nil
}

// startServer starts the one server behind all targets, and fills it.
func (s *site) startServer(ctx context.Context) error {
	addr, err := freeAddr()
	if err != nil {
		return err
	}
	program, err := serverProgram()
	if err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(addr)
	s.server, err = s.run("direct", addr, program, "--port", port, "--bind", "127.0.0.1", "--save", "",
		"--appendonly", "no")
	if err != nil {
		return err
	}
	if err := s.server.proc.answers(ctx, addr, command("PING"), "+PONG"); err != nil {
		return err
	}
	return fill(addr)
}

// start starts a target by name, before the site's server.
func (s *site) start(ctx context.Context, name string) (*target, error) {
	if name == "direct" {
		return s.server, nil
	}
	launch, ok := map[string]func(addr string) (*target, error){
		"nutcracker":   s.nutcracker,
		"haproxy":      s.haproxy,
		"relay":        s.relay,
		"evergate":     func(addr string) (*target, error) { return s.gateway("evergate", addr, 1) },
		"evergate-all": func(addr string) (*target, error) { return s.gateway("evergate-all", addr, runtime.NumCPU()) },
	}[name]
	if !ok {
		return nil, fmt.Errorf("no target %q", name)
	}
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	t, err := launch(addr)
	if err != nil {
		return nil, err
	}
	return t, t.proc.serves(ctx, addr)
}

func (s *site) nutcracker(addr string) (*target, error) {
	stats, err := freeAddr()
	if err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(stats)
	config, err := s.write("nutcracker.yml", fmt.Sprintf(`bench:
  listen: %s
  redis: true
  preconnect: true
  hash: fnv1a_64
  distribution: ketama
  auto_eject_hosts: false
  servers:
    - %s:1
`, addr, s.server.addr))
	if err != nil {
		return nil, err
	}
	return s.run("nutcracker", addr, "nutcracker", "-c", config, "-a", "127.0.0.1", "-s", port)
}

func (s *site) haproxy(addr string) (*target, error) {
	config, err := s.write("haproxy.cfg", fmt.Sprintf(`global
  nbthread 1
  maxconn 4000
defaults
  mode tcp
  timeout connect 5s
  timeout client 5m
  timeout server 5m
listen bench
  bind %s
  server redis %s
`, addr, s.server.addr))
	if err != nil {
		return nil, err
	}
	return s.run("haproxy", addr, "haproxy", "-db", "-f", config)
}

func (s *site) relay(addr string) (*target, error) {
	binary, err := s.build("./testenv/bench/relay")
	if err != nil {
		return nil, err
	}
	return s.run("relay", addr, binary, "-listen", addr, "-upstream", s.server.addr)
}

func (s *site) gateway(name, addr string, workers int) (*target, error) {
	return s.gatewayTo(name, addr, workers, "--primary", s.server.addr)
}

// gatewayTo starts the gateway before the upstream that the flags name.
func (s *site) gatewayTo(name, addr string, workers int, upstream ...string) (*target, error) {
	if s.evergate == "" {
		binary, err := s.build("./cmd/evergate")
		if err != nil {
			return nil, err
		}
		s.evergate = binary
	}
	args := append([]string{"run", "--listen", addr, "--workers", strconv.Itoa(workers), "--log-level", "warn"},
		upstream...)
	return s.run(name, addr, s.evergate, args...)
}

func (s *site) write(name, text string) (string, error) {
	path := filepath.Join(s.dir, name)
	return path, os.WriteFile(path, []byte(text), 0o600)
}

// serverProgram is the server to measure with, chosen as the tests choose it.
func serverProgram() (string, error) {
	if program := os.Getenv("REDIS_SERVER"); program != "" {
		return program, nil
	}
	for _, program := range []string{"redis-server", "valkey-server"} {
		if path, err := exec.LookPath(program); err == nil {
			return path, nil
		}
	}
	return "", errors.New("no redis-server and no valkey-server on the path; REDIS_SERVER can name one")
}

//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// targets starts the named targets, fresh processes each time, in front of the site's server. Proxies that are not
// installed are skipped with a message.
func (s *site) targets(ctx context.Context, names ...string) ([]*target, error) {
	if s.server == nil {
		if err := s.startServer(); err != nil {
			return nil, err
		}
	}
	var all []*target
	for _, name := range names {
		if program, _, _ := strings.Cut(name, "-"); program == "nutcracker" || program == "haproxy" {
			if _, err := exec.LookPath(program); err != nil {
				fmt.Printf("%s is not on the path (Debian: apt-get install %s) and is left out\n", program, program)
				continue
			}
		}
		t, err := s.startTarget(ctx, name)
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
}

func (s *site) startTarget(ctx context.Context, name string) (*target, error) {
	if name == "direct" {
		return s.server, nil
	}
	plain := func(workers int) func(addr string) (*target, error) {
		return func(addr string) (*target, error) {
			return s.gateway(name, addr, workers, "--primary", s.server.addr)
		}
	}
	launch, ok := map[string]func(addr string) (*target, error){
		"evergate":     plain(1),
		"evergate-all": plain(runtime.NumCPU()),
		former:         plain(1),
		secured:        s.evergateTLS,
		limited:        s.evergateUsers,
		observed:       s.evergateObserved,
		bare:           s.evergateBare,
		"haproxy-tls":  s.haproxyTLS,
		"nutcracker":   s.nutcracker,
		"haproxy":      s.haproxy,
		"relay":        s.relay,
	}[name]
	if !ok {
		return nil, fmt.Errorf("-targets: %q is unknown", name)
	}
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	t, err := launch(addr)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(name, "-tls") {
		t.tls = s.cert.client
	}
	return t, t.answers(ctx, bulk(value(0)), "GET", key(0))
}

func (s *site) nutcracker(addr string) (*target, error) {
	stats, err := freeAddr()
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(stats)
	if err != nil {
		return nil, err
	}
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

// evergateUsers starts the gateway with users, whose default one has patterns and categories, and with limits.
func (s *site) evergateUsers(addr string) (*target, error) {
	users, err := s.write("users.acl", strings.Join([]string{
		"user default on nopass ~memory:* ~bench:* %R~shared:* &events:* +@read +@write -@dangerous",
		"user app on >secret ~app:* +@read +@write", "user reader on >secret %R~* +@read", "",
	}, "\n"))
	if err != nil {
		return nil, err
	}
	limits, err := s.write("users.yaml", "user-settings: {default: {max-clients: 9000, commands-per-second: 1000000000, "+
		"bytes-per-second: 8gb}}\n")
	if err != nil {
		return nil, err
	}
	return s.gateway(limited, addr, 1, "--config", limits, "--primary", s.server.addr, "--users-file", users,
		"--max-clients-per-address", "5000", "--client-memory-max", "1gb",
		"--commands-per-second-per-address", "1000000000", "--bytes-per-second-per-address", "8gb")
}

func (s *site) haproxy(addr string) (*target, error) { return s.haproxyWith("haproxy", addr, "") }

// haproxyWith starts HAProxy with options for its listener.
func (s *site) haproxyWith(name, addr, options string) (*target, error) {
	config, err := s.write(name+".cfg", fmt.Sprintf(`global
  nbthread 1
  maxconn 9900
  tune.ssl.default-dh-param 2048
defaults
  mode tcp
  timeout connect 5s
  timeout client 5m
  timeout server 5m
listen bench
  bind %s %s
  server redis %s
`, addr, options, s.server.addr))
	if err != nil {
		return nil, err
	}
	return s.run(name, addr, "haproxy", "-db", "-f", config)
}

func (s *site) relay(addr string) (*target, error) {
	binary, err := s.build("./testenv/bench/relay")
	if err != nil {
		return nil, err
	}
	return s.run("relay", addr, binary, "-listen", addr, "-upstream", s.server.addr)
}

func (s *site) write(name, text string) (string, error) {
	path := filepath.Join(s.dir, name)
	return path, os.WriteFile(path, []byte(text), 0o600)
}

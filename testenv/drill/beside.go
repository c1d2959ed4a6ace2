package drill

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"evergate/testenv/drill/load"
	"evergate/testenv/servers"
	"evergate/topology"
)

// The paths that can be drilled.
const (
	// Direct is a client that asks a Sentinel for the primary whenever it connects; no proxy is in between.
	Direct = "direct"
	// HAProxy sends whole connections to the server with role:master in INFO, which its tcp-check asks once a second.
	HAProxy = "haproxy"
)

// proxyPatience is how long another proxy may take until it serves.
const proxyPatience = 15 * time.Second

// OtherAddress reports whether Plan.Beside is the address of a path that already runs.
func OtherAddress(beside string) bool { return beside != "" && beside != Direct && beside != HAProxy }

// startBeside starts another path to the servers in place of the gateway.
func (s *site) startBeside(ctx context.Context, name string) error {
	if OtherAddress(name) {
		return s.joinBeside(name)
	}
	if s.mode == Cluster {
		return fmt.Errorf("%s does not work in front of a cluster: plain clients would get MOVED errors", name)
	}
	if name == Direct {
		s.dialPath = s.dialNamed
		return nil
	}
	if s.login.TLS != nil {
		return errors.New("haproxy is drilled in front of servers without TLS only")
	}
	if s.login.Password != nil && s.target != nil {
		return errors.New("haproxy would need the servers' password: start one and pass its address to --beside")
	}
	binary, err := exec.LookPath("haproxy")
	if err != nil {
		return errors.New("haproxy is not on the path (Debian: apt-get install haproxy)")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.path = listener.Addr().String()
	if err := listener.Close(); err != nil {
		return err
	}
	dir, err := s.proxyDir()
	if err != nil {
		return err
	}
	config := filepath.Join(dir, "haproxy.cfg")
	text, err := s.haproxyConfig()
	if err != nil {
		return err
	}
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return err
	}
	s.dialPath = func() (*servers.Conn, error) { return s.login.dial(s.path) }
	s.proxy, err = servers.StartProcess(dir, filepath.Join(dir, "haproxy.log"), binary, []string{"-db", "-f", config})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, proxyPatience)
	defer cancel()
	if err := servers.WaitFor(ctx, "haproxy to serve", s.served); err != nil {
		return fmt.Errorf("%w\n%s", err, s.proxy.LogTail(2000))
	}
	return nil
}

// proxyDir returns the directory for the files of a proxy.
func (s *site) proxyDir() (dir string, err error) {
	if s.env != nil {
		return s.env.Dir(), nil
	}
	s.dir, err = os.MkdirTemp("", "evergate-drill-")
	return s.dir, err
}

// joinBeside drills a path that already runs. It tries, in this order, no credentials, those of the gateway's clients,
// and, for a path that passes everything on, those of the servers.
func (s *site) joinBeside(addr string) error {
	if s.target == nil {
		return fmt.Errorf("%s cannot lead to servers that the drill starts itself", addr)
	}
	var errs []error
	for _, login := range []Login{{}, s.target.Clients, s.target.Servers} {
		conn, err := login.dial(addr)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		reply, err := conn.Do("EXISTS", load.Keyspace)
		if err = errors.Join(err, conn.Close()); err == nil && strings.HasPrefix(string(reply), ":") {
			s.dialPath = func() (*servers.Conn, error) { return login.dial(addr) }
			return nil
		}
		errs = append(errs, err, fmt.Errorf("the reply of %s to EXISTS is %.100q", addr, reply))
	}
	return errors.Join(errs...)
}

// served returns nil if all connections go to the primary. HAProxy takes every server for healthy until its first
// check, so one connection proves nothing.
func (s *site) served() error {
	for range 2 * len(s.nodes) {
		conn, err := s.dialPath()
		if err != nil {
			return err
		}
		reply, err := conn.Do("ROLE")
		if err = errors.Join(err, conn.Close()); err != nil {
			return err
		}
		if !strings.HasPrefix(string(reply), "*3\r\n$6\r\nmaster") {
			return fmt.Errorf("the reply to ROLE is %.60q", reply)
		}
	}
	return nil
}

// dialNamed connects to the primary that the first Sentinel that answers names.
func (s *site) dialNamed() (*servers.Conn, error) {
	var errs []error
	for _, addr := range s.sentinels {
		lines, err := s.ask(addr, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", s.master)
		if err == nil && len(lines) > 4 {
			return s.dialServer(topology.JoinAddr(lines[2], lines[4]))
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(append(errs, errors.New("no Sentinel names a primary"))...)
}

// haproxyConfig returns the configuration that HAProxy's own documentation gives for Redis.
func (s *site) haproxyConfig() (string, error) {
	var b strings.Builder
	login := ""
	if s.login.Password != nil {
		password, err := s.login.Password()
		if err != nil {
			return "", err
		}
		login = fmt.Sprintf("  tcp-check send AUTH\\ %s\\ %s\\r\\n\n  tcp-check expect string +OK\n",
			cmp.Or(s.login.User, "default"), password)
	}
	fmt.Fprintf(&b, `global
  nbthread 1
  maxconn 4000
defaults
  mode tcp
  timeout connect 1s
  timeout client 5m
  timeout server 5m
  timeout check 1s
listen drill
  bind %s
  option tcp-check
  tcp-check connect
%s  tcp-check send PING\r\n
  tcp-check expect string +PONG
  tcp-check send info\ replication\r\n
  tcp-check expect string role:master
  tcp-check send QUIT\r\n
  tcp-check expect string +OK
`, s.path, login)
	for i, addr := range s.nodes {
		fmt.Fprintf(&b, "  server redis%d %s check inter 1s on-marked-down shutdown-sessions\n", i, s.reach(addr))
	}
	return b.String(), nil
}

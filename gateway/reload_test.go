package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"evergate/gateway/certs"
	"evergate/gateway/config"
	"evergate/testenv/servers"
)

// reload reloads g with changed settings, and fails on an error.
func reload(t *testing.T, g *Gateway, change func(*config.Gateway)) config.Changes {
	t.Helper()
	changes, err := g.Reload(changed(g, change))
	if err != nil {
		t.Fatal(err)
	}
	return changes
}

// changed returns the settings of g with a change.
func changed(g *Gateway, change func(*config.Gateway)) config.Gateway {
	c := g.Config()
	c.Services = append([]config.Service(nil), c.Services...)
	change(&c)
	return c
}

// TestReloadKeepsClients reloads again and again while 50 clients send requests one after the other: none is closed and
// none gets a wrong reply.
func TestReloadKeepsClients(t *testing.T) {
	onAll(t, func(t *testing.T, makeLoop maker) {
		g, addr := start(t, makeLoop, startNode(t), nil)
		stop := make(chan struct{})
		var clients sync.WaitGroup
		for i := range 50 {
			p := connect(t, addr)
			p.want("+OK\r\n", "SET", fmt.Sprint("k", i), fmt.Sprint("v", i))
			clients.Go(func() {
				want := fmt.Sprintf("$%d\r\nv%d\r\n", len(fmt.Sprint("v", i)), i)
				for {
					select {
					case <-stop:
						return
					default:
					}
					if _, err := p.Write([]byte(fmt.Sprintf("GET k%d\r\n", i))); err != nil {
						t.Errorf("client %d: %v", i, err)
						return
					}
					if got := p.reply(); got != want {
						t.Errorf("client %d got %q", i, got)
						return
					}
				}
			})
		}
		for i := range 10 {
			reload(t, g, func(c *config.Gateway) {
				c.Limits.ClientsMax = 100 - 10*i // far below what is there
				c.Limits.ClientsPerAddress = 100 - 10*i
				c.Limits.HandshakeMax = time.Duration(i+1) * time.Second
				c.LogLevel = []string{"info", "warn"}[i%2]
				c.Services[0].Networks.Allow = [][]string{{"127.0.0.0/8"}, {"10.0.0.0/8"}}[i%2]
				c.Services[0].Access.Deny = [][]string{{"flushall"}, nil}[i%2]
				c.Services[0].Upstream.User = ""
			})
		}
		close(stop)
		clients.Wait()
		if s := g.Snapshot(); s.Clients != 50 {
			t.Errorf("%d clients are left", s.Clients)
		}
		if last := g.lastReload(); last.Done != 10 || last.Failed != 0 || last.Err != nil {
			t.Errorf("%+v", last)
		}
	})
}

func TestReloadedLimitsAreForNewClients(t *testing.T) {
	g, addr := start(t, loops["system"], startNode(t), nil)
	there := connect(t, addr)
	there.want("+PONG\r\n", "PING")
	reload(t, g, func(c *config.Gateway) { c.Limits.ClientsMax = 1 })
	if got := connect(t, addr).reply(); got != "-ERR max number of clients reached\r\n" {
		t.Errorf("the second client got %q", got)
	}
	reload(t, g, func(c *config.Gateway) { c.Limits.ClientsMax, c.Limits.ClientsPerAddress = 10, 1 })
	if got := connect(t, addr).reply(); got != "-ERR max number of clients reached\r\n" {
		t.Errorf("the second client of the address got %q", got)
	}
	reload(t, g, func(c *config.Gateway) {
		c.Limits.ClientsPerAddress = 0
		c.Services[0].Networks.Allow = []string{"10.0.0.0/8"}
	})
	if got := connect(t, addr).reply(); got != "closed" {
		t.Errorf("a client from elsewhere got %q", got)
	}
	reload(t, g, func(c *config.Gateway) { c.Services[0].Networks.Allow = nil })
	connect(t, addr).want("+PONG\r\n", "PING")
	there.want("+PONG\r\n", "PING")
}

// TestReloadedUsers: clients keep their connections and get the new rights of their users; those without a user leave.
func TestReloadedUsers(t *testing.T) {
	g, addr := start(t, loops["system"], startNode(t), nil)
	p := connect(t, addr)
	p.want("+OK\r\n", "SET", "k", "v")
	reload(t, g, func(c *config.Gateway) { c.Services[0].Password = config.Secret{Value: "secret"} })
	p.want("$1\r\nv\r\n", "GET", "k") // as at a server after CONFIG SET requirepass
	connect(t, addr).want("-NOAUTH Authentication required.\r\n", "GET", "k")
	late := connect(t, addr)
	late.want("+OK\r\n", "AUTH", "secret")
	reload(t, g, func(c *config.Gateway) {
		c.Services[0].Password = config.Secret{}
		c.Services[0].Access.Users = []string{"user default on nopass ~* +@read", "user app on >secret ~a* +@all"}
	})
	p.want("$1\r\nv\r\n", "GET", "k")
	p.send("SET", "k", "w")
	if got := p.reply(); !strings.HasPrefix(got, "-NOPERM ") {
		t.Errorf("a user without the right to write got %q", got)
	}
	p.want("+OK\r\n", "AUTH", "app", "secret")
	reload(t, g, func(c *config.Gateway) { c.Services[0].Access.Users = []string{"user default on nopass ~* +@read"} })
	if got := p.reply(); got != "closed" {
		t.Errorf("a client of a user that is gone got %q", got)
	}
	late.want("$1\r\nv\r\n", "GET", "k")
	reload(t, g, func(c *config.Gateway) { c.Services[0].Access.Deny = []string{"127.0.0.1:0=get"} })
	late.send("GET", "k")
	if got := late.reply(); !strings.HasPrefix(got, "-NOPERM ") {
		t.Errorf("a command that is denied at the listener got %q", got)
	}
}

// TestReloadedCertificates: new clients are shown the new certificate, and open connections stay.
func TestReloadedCertificates(t *testing.T) {
	g, addr := start(t, loops["system"], startNode(t), func(c *config.Gateway) {
		s := &c.Services[0]
		s.TLSListen, s.Listen, s.TLS = s.Listen, nil, serverOptions(t)
	})
	dialled := func(conf *tls.Config) *peer {
		p := connect(t, addr)
		p.Conn = tls.Client(p.Conn, conf)
		return p
	}
	old := dialled(testClientTLS(t))
	old.want("+OK\r\n", "SET", "k", "v")
	ca, err := servers.NewAuthority("the new CA")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key, err := ca.WritePair(dir, "new", servers.Issue{Name: "new", Hosts: []string{"127.0.0.1"}})
	caFile := filepath.Join(dir, "ca")
	if err := errors.Join(err, servers.WriteCAs(caFile, ca)); err != nil {
		t.Fatal(err)
	}
	trusting, err := certs.NewClient(certs.ClientOptions{Enabled: true, CAFile: caFile})
	if err != nil {
		t.Fatal(err)
	}
	changes := reload(t, g, func(c *config.Gateway) {
		c.Services[0].TLS.CertFiles, c.Services[0].TLS.KeyFiles = []string{cert}, []string{key}
	})
	if got := config.Names(changes.Applied); got != "tls-cert-file of default, tls-key-file of default" {
		t.Error(got)
	}
	late := dialled(trusting.Config("127.0.0.1:1"))
	late.want("$1\r\nv\r\n", "GET", "k")
	old.want("$1\r\nv\r\n", "GET", "k")
}

// TestReloadKeepsAllAfterAMistake: nothing changes where anything is wrong, even if it is found last.
func TestReloadKeepsAllAfterAMistake(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.pem")
	if err := os.WriteFile(bad, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	g, addr := start(t, loops["system"], startNode(t), func(c *config.Gateway) {
		c.Services[0].TLSListen, c.Services[0].TLS = []string{"127.0.0.1:00"}, serverOptions(t)
	})
	before := g.Config()
	for what, wrong := range map[string]func(*config.Gateway){
		"a setting out of range": func(c *config.Gateway) { c.Limits.ClientsMax = -1 },
		"a missing certificate": func(c *config.Gateway) {
			c.Services[0].TLS.CertFiles = []string{filepath.Join(dir, "none")}
		},
		"a bad certificate": func(c *config.Gateway) { c.Services[0].TLS.CertFiles = []string{bad} },
		"a missing password": func(c *config.Gateway) {
			c.Services[0].Password = config.Secret{File: filepath.Join(dir, "none")}
		},
		"a missing file of users": func(c *config.Gateway) {
			c.Services[0].Access.UsersFile = filepath.Join(dir, "none")
		},
	} {
		_, err := g.Reload(changed(g, func(c *config.Gateway) {
			c.Limits.ClientsMax, c.Limits.ClientsPerAddress, c.LogLevel = 1, 1, "error"
			c.Services[0].Networks.Allow, c.Services[0].Access.Deny = []string{"10.0.0.0/8"}, []string{"get"}
			wrong(c)
		}))
		if err == nil {
			t.Errorf("%s is accepted", what)
		}
		if now := g.Config(); fmt.Sprintf("%+v", now) != fmt.Sprintf("%+v", before) {
			t.Errorf("after %s the settings are %+v", what, now)
		}
		first, second := connect(t, addr), connect(t, addr)
		first.want("$-1\r\n", "GET", "k")
		second.want("$-1\r\n", "GET", "k")
	}
	if last := g.lastReload(); last.Done != 0 || last.Failed != 5 || last.Err == nil {
		t.Errorf("%+v", last)
	}
	p := connect(t, addr)
	p.send("INFO", "gateway")
	if got := p.reply(); !strings.Contains(got, "\r\nreloads:0\r\nreloads_failed:5\r\nreload_last:failed\r\n") {
		t.Error(got)
	}
}

// TestReloadNamesWhatNeedsARestart: the rest is applied.
func TestReloadNamesWhatNeedsARestart(t *testing.T) {
	g, addr := start(t, loops["system"], startNode(t), nil)
	changes := reload(t, g, func(c *config.Gateway) {
		c.Workers, c.DrainTimeout = 7, time.Minute
		c.Services[0].UpstreamAuth = config.AuthPass
	})
	if got := config.Names(changes.Applied); got != "drain-timeout" {
		t.Error(got)
	}
	want := "workers, upstream-auth of default"
	if got := config.Names(changes.Restart); got != want {
		t.Error(got)
	}
	if c := g.Config(); c.Workers != 2 || c.DrainTimeout != time.Minute || len(c.Services) != 1 {
		t.Errorf("%+v", c)
	}
	p := connect(t, addr)
	p.send("INFO", "gateway")
	if got := p.reply(); !strings.Contains(got, "\r\nreload_last:ok\r\nreload_needs_restart:"+want+"\r\n") {
		t.Error(got)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Reload(g.Config()); !errors.Is(err, errNotRunning) {
		t.Error(err)
	}
}

// TestReloadedListeners: new ones accept clients, the clients of one that is gone stay, with its rules, and none is
// opened where another cannot be.
func TestReloadedListeners(t *testing.T) {
	onAll(t, func(t *testing.T, makeLoop maker) {
		socket := filepath.Join(t.TempDir(), "s")
		g, first := start(t, makeLoop, startNode(t), func(c *config.Gateway) {
			c.Services[0].Access.Deny = []string{"127.0.0.1:0=set"}
		})
		// At a listener without hold, a worker that has no connection yet rejects what others would wait for.
		until(t, "each worker has a connection", func() bool { return g.Snapshot().Conns == 2 })
		old := connect(t, first)
		denied := func(p *peer) {
			t.Helper()
			p.send("SET", "k", "v")
			if got := p.reply(); !strings.HasPrefix(got, "-NOPERM ") {
				t.Errorf("what the listener denies: %q", got)
			}
		}
		denied(old)
		list := func(s *config.Service) *[]string {
			if isSecure(t) {
				return &s.TLSListen
			}
			return &s.Listen
		}
		changes := reload(t, g, func(c *config.Gateway) {
			s := &c.Services[0]
			*list(s) = append([]string{"127.0.0.1:00"}, *list(s)...)
			s.ListenHold = map[string]config.Hold{"127.0.0.1:00": {Mode: config.HoldOff}}
		})
		if len(changes.Restart) > 0 {
			t.Error(changes)
		}
		second := g.Addrs()[0].String()
		if len(g.Addrs()) != 2 || g.Addrs()[1].String() != first {
			t.Fatal(g.Addrs())
		}
		late := connect(t, second)
		late.want("+OK\r\n", "SET", "k", "v")
		late.send("INFO", "server")
		if got := late.reply(); !strings.Contains(got, "\r\ntcp_port:"+second[len("127.0.0.1:"):]+"\r\n") {
			t.Error(got)
		}
		denied(connect(t, first))

		_, err := g.Reload(changed(g, func(c *config.Gateway) {
			c.Services[0].Listen = append(c.Services[0].Listen, "unix:"+socket, second) // the last is in use
			c.Limits.ClientsMax = 1
		}))
		if err == nil || g.Config().Limits.ClientsMax == 1 || len(g.Addrs()) != 2 {
			t.Errorf("%v, %v", err, g.Addrs())
		}
		if _, err := os.Stat(socket); err == nil {
			t.Error("a listener is left of a reload that failed")
		}

		reload(t, g, func(c *config.Gateway) {
			*list(&c.Services[0]) = []string{"127.0.0.1:00"}
			c.Services[0].Access.Deny = nil
		})
		if c, err := net.Dial("tcp", first); err == nil {
			_ = c.Close()
			t.Error("a listener that is gone accepts")
		}
		old.want("$1\r\nv\r\n", "GET", "k")
		denied(old)
		late.want("$1\r\nv\r\n", "GET", "k")
		connect(t, second).want("+OK\r\n", "SET", "k", "w")
		reload(t, g, func(c *config.Gateway) {
			c.Services[0].Listen = append(c.Services[0].Listen, "unix:"+socket)
		})
		connect(t, socket).want("$1\r\nw\r\n", "GET", "k")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := g.Drain(ctx); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(socket); err == nil {
			t.Error("a listener from a reload is open after a drain")
		}
	})
}

package gateway

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"evergate/gateway/config"
	"evergate/gateway/resp"
)

// disguised runs a gateway with a listener of each kind: plain, cluster, replica and Sentinel, in this order.
func disguised(t *testing.T, makeLoop maker, change func(*config.Gateway)) (*Gateway, [4]string) {
	t.Helper()
	// Words that differ, for a free port each.
	listen := []string{"127.0.0.1:0", "127.0.0.1:00", "127.0.0.1:000", "127.0.0.1:0000"}
	g, _ := start(t, makeLoop, startNode(t), func(c *config.Gateway) {
		s := &c.Services[0]
		s.Listen = listen
		s.ListenFacade = map[string]config.Facade{listen[1]: config.FacadeCluster,
			listen[2]: config.FacadeReplica, listen[3]: config.FacadeSentinel}
		if change != nil {
			change(c)
		}
	})
	var addrs [4]string
	for i, a := range g.Addrs() {
		addrs[i] = a.String()
	}
	return g, addrs
}

// address is how an address reads in a reply, its port as a bulk string or as a number.
func address(addr string, number bool) string {
	host, port, _ := net.SplitHostPort(addr)
	b := resp.AppendBulkString(nil, host)
	if number {
		return fmt.Sprintf("%s:%s\r\n", b, port)
	}
	return string(resp.AppendBulkString(b, port))
}

func TestFacadesReportTheGatewaysAddresses(t *testing.T) {
	onBoth(t, func(t *testing.T, makeLoop maker) {
		_, addrs := disguised(t, makeLoop, nil)
		plain, cluster := connect(t, addrs[0]), connect(t, addrs[1])
		replica, sentinel := connect(t, addrs[2]), connect(t, addrs[3])
		sentinel.want("*2\r\n"+address(addrs[0], false), "SENTINEL", "GET-MASTER-ADDR-BY-NAME", "default")
		replica.want("*5\r\n$5\r\nslave\r\n"+address(addrs[0], true)+"$9\r\nconnected\r\n:0\r\n", "ROLE")
		for p, want := range map[*peer][]string{
			plain:    {"redis_mode:standalone", "role:master", "cluster_enabled:0"},
			cluster:  {"redis_mode:cluster", "role:master", "cluster_enabled:1", "tcp_port:" + addrs[1][len("127.0.0.1:"):]},
			replica:  {"redis_mode:standalone", "role:slave", "cluster_enabled:0", "reads:prefer-replica"},
			sentinel: {"redis_mode:sentinel", "name=default,status=ok,address=" + addrs[0] + ",slaves=1"},
		} {
			p.send("INFO")
			reply := p.reply()
			for _, line := range want {
				if !strings.Contains(reply, line) {
					t.Errorf("INFO of %s has no %s:\n%s", p.RemoteAddr(), line, reply)
				}
			}
			if p == sentinel && strings.Contains(reply, "shard") {
				t.Errorf("a Sentinel tells of servers:\n%s", reply)
			}
		}
		cluster.send("CLUSTER", "SLOTS")
		if got := cluster.reply(); !strings.HasPrefix(got, "*1\r\n*3\r\n:0\r\n:16383\r\n*4\r\n"+address(addrs[1], true)) {
			t.Errorf("%q", got)
		}
		plain.want("+OK\r\n", "SET", "k", "v")
		cluster.want("$1\r\nv\r\n", "GET", "k")
		replica.want("$1\r\nv\r\n", "GET", "k")
		replica.want("-READONLY You can't write against a read only replica.\r\n", "SET", "k", "w")
		sentinel.want("-ERR unknown command 'GET', with args beginning with: 'k' \r\n", "GET", "k")
	})
}

func TestASentinelHasItsOwnPasswordAndClients(t *testing.T) {
	_, addrs := disguised(t, loops["system"], func(c *config.Gateway) {
		c.Services[0].Password, c.Services[0].FacadePassword = config.Secret{Value: "keys"}, config.Secret{Value: "watch"}
	})
	sentinel, plain, replica := connect(t, addrs[3]), connect(t, addrs[0]), connect(t, addrs[2])
	const wrong = "-WRONGPASS invalid username-password pair or user is disabled.\r\n"
	sentinel.want("-NOAUTH Authentication required.\r\n", "SENTINEL", "MASTERS")
	sentinel.want(wrong, "AUTH", "keys")
	sentinel.want("+OK\r\n", "AUTH", "watch")
	plain.want(wrong, "AUTH", "watch")
	plain.want("+OK\r\n", "AUTH", "keys")
	replica.want("+OK\r\n", "AUTH", "keys")
	for name, p := range map[string]*peer{"of-sentinel": sentinel, "of-plain": plain, "of-replica": replica} {
		p.want("+OK\r\n", "CLIENT", "SETNAME", name)
	}
	for p, want := range map[*peer][]string{sentinel: {"of-sentinel"}, plain: {"of-plain", "of-replica"}} {
		p.send("CLIENT", "LIST")
		reply := p.reply()
		if n := strings.Count(reply, "\n") - 2; n != len(want) {
			t.Errorf("%d clients:\n%s", n, reply)
		}
		for _, name := range want {
			if !strings.Contains(reply, "name="+name) {
				t.Errorf("no %s:\n%s", name, reply)
			}
		}
	}
}

// A client that asks and does not read is stopped; others are served meanwhile.
func TestASentinelStopsWhoDoesNotRead(t *testing.T) {
	onBoth(t, func(t *testing.T, makeLoop maker) {
		g, addrs := disguised(t, makeLoop, func(c *config.Gateway) { c.Workers = 1 })
		deaf, other := connect(t, addrs[3]), connect(t, addrs[3])
		var batch []byte
		for range 10_000 {
			batch = resp.AppendCommandStrings(batch, "SENTINEL", "MASTERS")
		}
		written := make(chan struct{})
		go func() {
			defer close(written)
			for range 20 {
				if _, err := deaf.Write(batch); err != nil {
					return
				}
			}
		}()
		until(t, "the deaf client is stopped", func() bool { return g.Snapshot().BlockedSessions == 1 })
		other.want("+PONG\r\n", "PING")
		_ = deaf.Close()
		<-written
		until(t, "it is forgotten", func() bool { s := g.Snapshot(); return s.Clients == 1 && s.BlockedSessions == 0 })
	})
}

func TestDrainEndsWhoListens(t *testing.T) {
	g, addrs := disguised(t, loops["system"], nil)
	p := connect(t, addrs[3])
	p.want("*3\r\n$10\r\npsubscribe\r\n$1\r\n*\r\n:1\r\n", "PSUBSCRIBE", "*")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := g.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	if got := p.reply(); got != "closed" {
		t.Errorf("%q", got)
	}
}

// TestReloadedFacades: a listener whose facade changes keeps its socket. New clients see the new facade; those that are
// there keep theirs, with the rules and the addresses that are valid now.
func TestReloadedFacades(t *testing.T) {
	onBoth(t, func(t *testing.T, makeLoop maker) {
		g, addrs := disguised(t, makeLoop, nil)
		mode := func(p *peer, want string) {
			t.Helper()
			p.send("INFO", "server")
			if got := p.reply(); !strings.Contains(got, "\r\nredis_mode:"+want+"\r\n") {
				t.Errorf("not %s: %s", want, got)
			}
		}
		plain, cluster := connect(t, addrs[0]), connect(t, addrs[1])
		replica, sentinel := connect(t, addrs[2]), connect(t, addrs[3])
		plain.want("+OK\r\n", "SET", "k", "v")
		writer := func(p *peer, addr string) {
			t.Helper()
			p.want("*2\r\n"+address(addr, false), "SENTINEL", "GET-MASTER-ADDR-BY-NAME", "default")
		}
		writer(sentinel, addrs[0])
		// The first two swap their roles, so that another listener is the one for writes.
		changes := reload(t, g, func(c *config.Gateway) {
			s := &c.Services[0]
			s.ListenFacade = map[string]config.Facade{s.Listen[0]: config.FacadeCluster,
				s.Listen[2]: config.FacadeReplica, s.Listen[3]: config.FacadeSentinel}
			s.Access.Deny = []string{"flushall", s.Listen[0] + "=keys"}
		})
		if got := config.Names(changes.Applied); got != "facade of default, deny of default" || len(changes.Restart) > 0 {
			t.Error(changes)
		}
		for i, a := range g.Addrs() {
			if a.String() != addrs[i] {
				t.Fatalf("listener %d moved from %s to %s", i, addrs[i], a)
			}
		}
		mode(plain, "standalone")
		mode(cluster, "cluster")
		lateCluster, latePlain := connect(t, addrs[0]), connect(t, addrs[1])
		mode(lateCluster, "cluster")
		mode(latePlain, "standalone")
		lateCluster.send("CLUSTER", "SLOTS")
		if got := lateCluster.reply(); !strings.Contains(got, address(addrs[0], true)) {
			t.Errorf("%q", got)
		}
		for _, p := range []*peer{sentinel, connect(t, addrs[3])} {
			writer(p, addrs[1])
		}
		for _, p := range []*peer{replica, connect(t, addrs[2])} {
			p.want("*5\r\n$5\r\nslave\r\n"+address(addrs[1], true)+"$9\r\nconnected\r\n:0\r\n", "ROLE")
		}
		for p, denied := range map[*peer]bool{plain: true, lateCluster: true, cluster: false, latePlain: false} {
			p.send("KEYS", "none")
			if got := p.reply(); strings.HasPrefix(got, "-NOPERM ") != denied {
				t.Errorf("what the listener denies: %q, %v", got, denied)
			}
			p.want("$1\r\nv\r\n", "GET", "k")
		}
		// Without the first listener its clients stay. The other facades go.
		reload(t, g, func(c *config.Gateway) {
			s := &c.Services[0]
			s.Listen, s.ListenFacade = s.Listen[1:2], nil
			s.Access.Deny = nil
		})
		mode(plain, "standalone")
		mode(lateCluster, "cluster")
		writer(sentinel, addrs[1])
		replica.want("$1\r\nv\r\n", "GET", "k")
		replica.want("-READONLY You can't write against a read only replica.\r\n", "SET", "k", "w")
		latePlain.want("+OK\r\n", "SET", "k", "w")
	})
}

// TestReloadedToASentinelFacade: a service gets its first Sentinel facade at a new listener, or at one that was there.
func TestReloadedToASentinelFacade(t *testing.T) {
	onBoth(t, func(t *testing.T, makeLoop maker) {
		g, addr := start(t, makeLoop, startNode(t), nil)
		plain := connect(t, addr)
		for _, add := range []string{"127.0.0.1:00", "127.0.0.1:000"} {
			changes := reload(t, g, func(c *config.Gateway) {
				s := &c.Services[0]
				s.ListenFacade = map[string]config.Facade{s.Listen[len(s.Listen)-1]: config.FacadeNone,
					add: config.FacadeSentinel}
				s.Listen, s.FacadePassword = append(s.Listen, add), config.Secret{Value: "watch"}
			})
			if len(changes.Restart) > 0 {
				t.Error(changes)
			}
			sentinel := connect(t, g.Addrs()[len(g.Addrs())-1].String())
			sentinel.want("-NOAUTH Authentication required.\r\n", "SENTINEL", "MASTERS")
			sentinel.want("+OK\r\n", "AUTH", "watch")
			sentinel.want("*2\r\n"+address(addr, false), "SENTINEL", "GET-MASTER-ADDR-BY-NAME", "default")
			plain.want("+OK\r\n", "SET", "k", "v")
		}
		reload(t, g, func(c *config.Gateway) {
			s := &c.Services[0]
			s.ListenFacade = map[string]config.Facade{s.Listen[1]: config.FacadeSentinel}
		})
		late := connect(t, g.Addrs()[1].String())
		late.want("+OK\r\n", "AUTH", "watch")
		late.want("*2\r\n"+address(addr, false), "SENTINEL", "GET-MASTER-ADDR-BY-NAME", "default")
		connect(t, g.Addrs()[2].String()).want("$1\r\nv\r\n", "GET", "k")
	})
}

// TestReloadedServicesOfASentinelFacade: it reports those that are there now, also to clients that were there before.
func TestReloadedServicesOfASentinelFacade(t *testing.T) {
	g, addrs := disguised(t, loops["system"], nil)
	sentinel := connect(t, addrs[3])
	s := second("other", "127.0.0.1:00000", startNode(t))
	if changes := reload(t, g, add(s)); len(changes.Restart) > 0 {
		t.Error(changes)
	}
	known(t, g, "other")
	added := g.Addrs()[4].String()
	sentinel.want("*2\r\n"+address(added, false), "SENTINEL", "GET-MASTER-ADDR-BY-NAME", "other")
	connect(t, added).want("+OK\r\n", "SET", "k", "v")
	reload(t, g, func(c *config.Gateway) { c.Services = c.Services[:1] })
	sentinel.want("*-1\r\n", "SENTINEL", "GET-MASTER-ADDR-BY-NAME", "other")
	sentinel.want("*2\r\n"+address(addrs[0], false), "SENTINEL", "GET-MASTER-ADDR-BY-NAME", "default")
}

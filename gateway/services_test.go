package gateway

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"evergate/gateway/certs"
	"evergate/gateway/config"
)

// second returns a service beside the first one, at another node.
func second(name, listen string, n *fakeNode) config.Service {
	s := config.DefaultService()
	s.Name, s.Listen, s.Primary = name, []string{listen}, n.addr
	return s
}

// add adds a service to settings.
func add(s config.Service) func(*config.Gateway) {
	return func(c *config.Gateway) { c.Services = append(c.Services, s) }
}

// only removes all services but those with these names from settings.
func only(names ...string) func(*config.Gateway) {
	return func(c *config.Gateway) {
		all := c.Services
		c.Services = nil
		for _, name := range names {
			for _, s := range all {
				if s.Name == name {
					c.Services = append(c.Services, s)
				}
			}
		}
	}
}

// known waits until the topology of a service is known.
func known(t *testing.T, g *Gateway, service string) {
	t.Helper()
	until(t, "the topology of "+service, func() bool { return g.viewNamed(service) != nil })
}

// open counts the descriptors of the process; 0 where that is not possible.
func open() int {
	all, _ := os.ReadDir("/proc/self/fd")
	return len(all)
}

// writers are clients that write one after the other, until they are closed.
type writers struct {
	sync.WaitGroup
	answered atomic.Int64
	stop     chan struct{}
	// closed: to be closed is no error.
	closed atomic.Bool
}

// write begins with so many clients at an address.
func write(t *testing.T, addr string, clients int) *writers {
	w := &writers{stop: make(chan struct{})}
	for i := range clients {
		p := connect(t, addr)
		p.want("+OK\r\n", "SET", fmt.Sprint("w", i), "0")
		w.answered.Add(1)
		w.Go(func() {
			defer p.Close()
			for n := 1; ; n++ {
				select {
				case <-w.stop:
					return
				default:
				}
				if _, err := p.Write([]byte(fmt.Sprintf("SET w%d %d\r\n", i, n))); err != nil {
					if !w.closed.Load() {
						t.Errorf("client %d: %v", i, err)
					}
					return
				}
				switch got := p.reply(); {
				case got == "+OK\r\n":
					w.answered.Add(1)
				case got == "closed" && w.closed.Load():
					return
				default:
					t.Errorf("client %d got %q", i, got)
					return
				}
			}
		})
	}
	return w
}

// end stops those that were not closed, and waits for all.
func (w *writers) end() {
	close(w.stop)
	w.Wait()
}

// TestServicesComeAndGo adds a service, removes it under load, and adds one of the same name: no write is lost, the
// clients of others notice nothing, and nothing is left of a service that is gone.
func TestServicesComeAndGo(t *testing.T) {
	onAll(t, func(t *testing.T, makeLoop maker) {
		one, two := startNode(t), startNode(t)
		g, first := start(t, makeLoop, one, func(c *config.Gateway) { c.Services[0].SilentAfter = time.Hour })
		stays := write(t, first, 5)
		// The workers' connections, and that of the topology, are not to be opened later, nor a second one beside them.
		until(t, "all connections of a service", func() bool { return one.accepted.Load() >= 3 })
		goroutines, descriptors := runtime.NumGoroutine(), open()
		for round := range 3 {
			s := second("other", "127.0.0.1:0", two)
			if isSecure(t) {
				secure(t, &s)
			}
			changes := reload(t, g, add(s))
			if got := config.Names(changes.Applied); got != "services (other)" || len(changes.Restart) > 0 {
				t.Fatalf("%+v", changes)
			}
			known(t, g, "other")
			addr := g.Addrs()[1].String()
			before := two.sets.Load()
			leaves := write(t, addr, 20)
			idle := connect(t, addr)
			idle.want("$-1\r\n", "GET", "nothing")
			if changes = reload(t, g, only("other", "default")); len(changes.Applied)+len(changes.Restart) > 0 {
				t.Errorf("another order: %+v", changes)
			}
			if g.Addrs()[0].String() != addr || g.View(0) == nil {
				t.Errorf("%v", g.Addrs())
			}
			leaves.closed.Store(true)
			changes = reload(t, g, only("default"))
			if got := config.Names(changes.Applied); got != "services (other)" || len(changes.Restart) > 0 {
				t.Fatalf("%+v", changes)
			}
			leaves.end()
			if got := idle.reply(); got != "closed" {
				t.Errorf("an idle client of the service gets %q", got)
			}
			_ = idle.Close()
			if did := two.sets.Load() - before; did != leaves.answered.Load() {
				t.Errorf("round %d: %d writes were executed, %d answered", round, did, leaves.answered.Load())
			}
			until(t, "the service is gone", func() bool { return g.of(2+2*round) == g.nowhere })
		}
		until(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= goroutines })
		until(t, "no descriptor is left", func() bool { return open() <= descriptors })
		if n := g.Snapshot().Clients; n != 5 {
			t.Errorf("%d clients are left", n)
		}
		stays.end()
	})
}

// TestAddressPassesToAnotherService: a service that is renamed keeps its address, also on a unix socket.
func TestAddressPassesToAnotherService(t *testing.T) {
	one, two := startNode(t), startNode(t)
	socket := t.TempDir() + "/s"
	g, first := start(t, loops["system"], one, nil)
	s := second("other", "unix:"+socket, one)
	s.Listen = append(s.Listen, first[:strings.LastIndex(first, ":")]+":00")
	reload(t, g, add(s))
	known(t, g, "other")
	for _, addr := range []string{socket, g.Addrs()[2].String()} {
		connect(t, addr).want("+OK\r\n", "SET", "k", "old")
	}
	s.Name, s.Primary = "renamed", two.addr
	taken := s
	taken.Listen = append(slices.Clone(s.Listen), one.addr)
	c := g.Config()
	c.Services = []config.Service{c.Services[0], taken}
	if _, err := g.Reload(c); err == nil {
		t.Error("a listener has an address that is in use")
	}
	connect(t, socket).want("+OK\r\n", "SET", "k", "old")
	reload(t, g, func(c *config.Gateway) { c.Services[1] = s })
	known(t, g, "renamed")
	for _, addr := range []string{socket, g.Addrs()[2].String()} {
		connect(t, addr).want("+OK\r\n", "SET", "k", "new")
	}
	if v, _ := two.data.Load("k"); string(v.([]byte)) != "new" {
		t.Errorf("the new service has %q", v)
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(socket); err == nil {
		t.Error("the socket is left")
	}
}

// TestAddedServiceWithoutServers: the gateway stays ready for the clients of others, and ends while the service is
// being removed.
func TestAddedServiceWithoutServers(t *testing.T) {
	g, _ := start(t, loops["system"], startNode(t), nil)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	s := second("dead", "127.0.0.1:0", &fakeNode{addr: ln.Addr().String()})
	s.Hold = config.Hold{Mode: config.HoldFor, Window: time.Hour}
	reload(t, g, add(s))
	if r := g.observer.Ready(); !r.Ready || len(r.Degraded) != 1 ||
		r.Degraded[0] != "service dead has had no primary since it was added" {
		t.Errorf("%+v", r)
	}
	p := connect(t, g.Addrs()[1].String())
	p.send("GET", "k")
	until(t, "the client is there", func() bool { return g.Snapshot().Clients == 1 })
	reload(t, g, only("default"))
	if err := g.Close(); err != nil {
		t.Error(err)
	}
}

// TestRemovedServiceWaitsNoLongerThanDrainTimeout: a client that waits for a primary is closed then.
func TestRemovedServiceWaitsNoLongerThanDrainTimeout(t *testing.T) {
	g, _ := start(t, loops["system"], startNode(t), func(c *config.Gateway) { c.DrainTimeout = 100 * time.Millisecond })
	n := startNode(t)
	s := second("other", "127.0.0.1:0", n)
	s.Hold = config.Hold{Mode: config.HoldFor, Window: time.Hour}
	reload(t, g, add(s))
	known(t, g, "other")
	p := connect(t, g.Addrs()[1].String())
	p.want("+OK\r\n", "SET", "k", "v")
	if err := n.server.Close(); err != nil {
		t.Fatal(err)
	}
	until(t, "the client waits", func() bool {
		p.send("GET", "k")
		return g.Snapshot().Waiting == 1
	})
	reload(t, g, only("default"))
	for got := ""; got != "closed"; {
		if got = p.reply(); got != "closed" && got != "$1\r\nv\r\n" {
			t.Fatalf("%q", got)
		}
	}
	until(t, "the service is gone", func() bool { return g.of(2) == g.nowhere })
}

// TestServicesCannotBeAddedForEver: their numbers are never used again.
func TestServicesCannotBeAddedForEver(t *testing.T) {
	n := startNode(t)
	g, _ := start(t, loops["system"], n, nil)
	g.places = 4
	reload(t, g, add(second("other", "127.0.0.1:0", n)))
	reload(t, g, only("default"))
	_, err := g.Reload(changed(g, add(second("other", "127.0.0.1:0", n))))
	if err == nil || !strings.Contains(err.Error(), "as often as can be") || len(g.Addrs()) != 1 {
		t.Errorf("%v, %v", err, g.Addrs())
	}
}

// TestUpstreamChanges: the clients of a service stay, whatever server its settings lead to, and each write is executed
// once.
func TestUpstreamChanges(t *testing.T) {
	onAll(t, func(t *testing.T, makeLoop maker) {
		one, two := startNode(t), startNode(t)
		g, addr := start(t, makeLoop, one, nil)
		w := write(t, addr, 20)
		_, port, _ := net.SplitHostPort(two.addr)
		for _, to := range []string{two.addr, "localhost:" + port, one.addr, two.addr} {
			at, node := int64(0), one
			if to != one.addr {
				node = two
			}
			at = node.sets.Load()
			changes := reload(t, g, func(c *config.Gateway) { c.Services[0].Primary = to })
			if got := config.Names(changes.Applied); got != "primary of default" || len(changes.Restart) > 0 {
				t.Fatalf("%+v", changes)
			}
			until(t, "the other server has the writes", func() bool { return node.sets.Load() > at+100 })
		}
		w.end()
		if did := one.sets.Load() + two.sets.Load(); did != w.answered.Load() {
			t.Errorf("%d writes were executed, %d answered", did, w.answered.Load())
		}
		if n := len(g.View(0).Shards); n != 1 {
			t.Errorf("%d shards", n)
		}
	})
}

// TestSameUpstream: what the control plane takes once, when it begins to watch a service, is part of the upstream. What
// it reads for each connection is none.
func TestSameUpstream(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*config.Service)
		same   bool
	}{
		"nothing":                {func(*config.Service) {}, true},
		"CAs of servers":         {func(s *config.Service) { s.UpstreamTLS.CAFile = "other" }, true},
		"password":               {func(s *config.Service) { s.Upstream.Password.Value = "other" }, true},
		"TLS towards servers":    {func(s *config.Service) { s.UpstreamTLS.Enabled = false }, false},
		"TLS towards Sentinels":  {func(s *config.Service) { s.SentinelTLS.Enabled = false }, false},
		"CAs of Sentinels":       {func(s *config.Service) { s.SentinelTLS.CAFile = "other" }, false},
		"ciphers with Sentinels": {func(s *config.Service) { s.SentinelTLS.Ciphers = []string{"x"} }, false},
		"Sentinels":              {func(s *config.Service) { s.Sentinels = []string{"b:1"} }, false},
		"name of the primary":    {func(s *config.Service) { s.MasterName = "other" }, false},
		"other addresses":        {func(s *config.Service) { s.AddressMap = map[string]string{"a:1": "b:1"} }, false},
	} {
		was := config.DefaultService()
		was.Sentinels, was.MasterName = []string{"a:1"}, "main"
		was.UpstreamTLS = certs.ClientOptions{Enabled: true, CAFile: "ca"}
		was.SentinelTLS = was.UpstreamTLS
		is := was
		c.change(&is)
		if got := sameUpstream(&was, &is); got != c.same {
			t.Errorf("%s: the same upstream: %v", name, got)
		}
	}
}

// TestUpstreamTLSChanges: TLS towards servers is turned on and off under load, as for servers that move to another port
// with it.
func TestUpstreamTLSChanges(t *testing.T) {
	onBoth(t, func(t *testing.T, makeLoop maker) {
		one, two := startNode(t), startNode(t)
		g, addr := start(t, makeLoop, one, nil)
		w := write(t, addr, 20)
		cert, _ := certFiles(t)
		for _, to := range []*fakeNode{two, one, two} {
			at, secured := to.sets.Load(), to.secured.Load()
			isOn := to == two
			changes := reload(t, g, func(c *config.Gateway) {
				s := &c.Services[0]
				s.Primary, s.UpstreamTLS = to.addr, certs.ClientOptions{}
				if isOn {
					s.UpstreamTLS = certs.ClientOptions{Enabled: true, CAFile: cert}
				}
			})
			if len(changes.Restart) > 0 {
				t.Fatalf("%+v", changes)
			}
			until(t, "the other server has the writes", func() bool { return to.sets.Load() > at+100 })
			if got := to.secured.Load() > secured; got != isOn {
				t.Errorf("connections with TLS: %v, want %v", got, isOn)
			}
		}
		w.end()
		if did := one.sets.Load() + two.sets.Load(); did != w.answered.Load() {
			t.Errorf("%d writes were executed, %d answered", did, w.answered.Load())
		}
	})
}

// TestUpstreamThatIsNotThere: the servers of before go on, and the next reload leads away from it.
func TestUpstreamThatIsNotThere(t *testing.T) {
	one, two := startNode(t), startNode(t)
	g, addr := start(t, loops["system"], one, nil)
	p := connect(t, addr)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	reload(t, g, func(c *config.Gateway) { c.Services[0].Primary = ln.Addr().String() })
	p.want("+OK\r\n", "SET", "k", "one")
	reload(t, g, func(c *config.Gateway) { c.Services[0].Primary = two.addr })
	until(t, "the server is another one", func() bool {
		p.want("+OK\r\n", "SET", "k", "two")
		return two.sets.Load() > 0
	})
	changes := reload(t, g, func(c *config.Gateway) {
		s := &c.Services[0]
		s.Primary, s.Cluster = "", []string{two.addr}
	})
	if got := config.Names(changes.Restart); got != "cluster of default, primary of default" {
		t.Error(got)
	}
	p.want("$3\r\ntwo\r\n", "GET", "k")
}

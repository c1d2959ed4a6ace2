package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"evergate/testenv/servers"
)

// reloaded is a gateway whose file of settings changes.
type reloaded struct {
	*servers.Gateway
	t     *testing.T
	file  string
	count int
	asks  *servers.Conn // INFO
}

// reload has the gateway take a text as its settings.
func (g *reloaded) reload(text string) {
	g.t.Helper()
	if err := servers.Replace(g.file, []byte(text)); err != nil {
		g.t.Fatal(err)
	}
	if err := g.Signal(syscall.SIGHUP); err != nil {
		g.t.Fatal(err)
	}
	g.count++
	g.awaits(fmt.Sprintf("reload %d", g.count), "settings reloaded: ", g.count)
}

// awaits waits until a text is in the log so many times.
func (g *reloaded) awaits(what, text string, times int) {
	g.t.Helper()
	servers.Until(g.t, servers.Patience, what, func() error {
		if n := strings.Count(g.Log(), text); n < times {
			return fmt.Errorf("%q is in the log %d times:\n%s", text, n, g.Log())
		}
		return nil
	})
}

// open counts the gateway's goroutines and descriptors.
func (g *reloaded) open() (goroutines, descriptors int) {
	g.t.Helper()
	info, err := g.asks.Do("INFO", "gateway")
	if err != nil {
		g.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(info), "\r\ngoroutines:")
	_, _ = fmt.Sscan(rest, &goroutines)
	all, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", g.Pid))
	if err != nil {
		g.t.Skip("descriptors cannot be counted here")
	}
	return goroutines, len(all)
}

// counting are clients that count, each with a key of its own, one request after the other.
type counting struct {
	sync.WaitGroup
	acknowledged []int64 // replies to each client
	all          atomic.Int64
	draining     atomic.Bool // to be closed is no error
	stop         chan struct{}
}

// count begins with so many clients. A reply that is not the next number is wrong; they may be led from one server to
// another one, and back.
func count(t *testing.T, addr, key string, clients int) *counting {
	n := &counting{acknowledged: make([]int64, clients), stop: make(chan struct{})}
	for i := range clients {
		c := servers.MustDial(t, addr)
		n.Go(func() {
			defer c.Close()
			for here, there := int64(0), int64(0); ; {
				select {
				case <-n.stop:
					return
				default:
				}
				reply, err := c.Do("INCR", fmt.Sprint(key, i))
				if err != nil && n.draining.Load() {
					return // what was executed without a reply shows in end
				}
				var now int64
				_, scanErr := fmt.Sscanf(string(reply), ":%d\r\n", &now)
				if now == there+1 {
					here, there = there, here
				}
				if err != nil || scanErr != nil || now != here+1 {
					t.Errorf("client %d, after %d: %q, %v", i, here, reply, err)
					return
				}
				here = now
				n.acknowledged[i]++
				n.all.Add(1)
			}
		})
	}
	return n
}

// goOn waits for so many more replies.
func (n *counting) goOn(t *testing.T, more int64) {
	t.Helper()
	goal := n.all.Load() + more
	servers.Until(t, servers.Patience, "replies", func() error {
		if all := n.all.Load(); all < goal {
			return fmt.Errorf("%d of %d", all, goal)
		}
		return nil
	})
}

// end stops the clients, and compares what they were told with the sum of what servers have.
func (n *counting) end(t *testing.T, key string, at ...*servers.Node) {
	t.Helper()
	close(n.stop)
	n.Wait()
	for i, acknowledged := range n.acknowledged {
		sum := int64(0)
		for _, node := range at {
			reply, err := servers.MustDial(t, node.Addr).Do("GET", fmt.Sprint(key, i))
			if err != nil {
				t.Fatal(err)
			}
			_, number, _ := strings.Cut(string(reply), "\r\n")
			var have int64
			_, _ = fmt.Sscan(number, &have)
			sum += have
		}
		if sum != acknowledged {
			t.Errorf("client %d: %d were executed, %d acknowledged", i, sum, acknowledged)
		}
	}
}

// TestServicesUnderLoad adds a service and removes it, and changes the addresses of another one, while clients of both
// count: nothing is lost or done twice, and nothing is left of the service that is gone.
func TestServicesUnderLoad(t *testing.T) {
	t.Parallel()
	one, two := servers.StartPlain(t, servers.Options{}), servers.StartPlain(t, servers.Options{})
	watched := servers.StartSentinel(t, servers.Options{Replicas: 1, Sentinels: 3})
	main, err := servers.ReservePort("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	defer main.Release()
	extra, err := servers.ReservePort("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	defer extra.Release()
	settings := func(primary string, more ...string) string {
		return fmt.Sprintf("workers: 2\nservices:\n- {name: main, listen: ['%s'], primary: '%s'}\n%s", main.Addr(), primary,
			strings.Join(more, ""))
	}
	alone, behind := one.Primary().Addr, two.Primary().Addr
	g := &reloaded{t: t, file: filepath.Join(t.TempDir(), "evergate.yaml")}
	if err := os.WriteFile(g.file, []byte(settings(alone)), 0o600); err != nil {
		t.Fatal(err)
	}
	g.Gateway = servers.StartGatewayWith(t, servers.GatewayOptions{Args: []string{"--config", g.file}, Addr: main.Addr()})
	g.asks = servers.MustDial(t, main.Addr())
	stays := count(t, main.Addr(), "stays", 10)
	stays.goOn(t, 1000)
	goroutines, descriptors := g.open()

	for round := range 2 {
		g.reload(settings(alone, fmt.Sprintf("- {name: extra, listen: ['%s'], sentinel: '%s', master-name: '%s'}\n",
			extra.Addr(), watched.SentinelAddrs(), watched.Groups[0].Name)))
		g.awaits("its topology", "primary found: service=extra", round+1)
		key := fmt.Sprint("extra", round, "-")
		leaves := count(t, extra.Addr(), key, 20)
		leaves.goOn(t, 2000)
		// Other Sentinels of the same primary: the clients notice nothing.
		g.reload(settings(alone, fmt.Sprintf("- {name: extra, listen: ['%s'], sentinel: '%s', master-name: '%s'}\n",
			extra.Addr(), watched.Sentinels[round].Addr, watched.Groups[0].Name)))
		leaves.goOn(t, 2000)
		leaves.draining.Store(true)
		g.reload(settings(alone))
		g.awaits("the end of the service", "service removed: service=extra", round+1)
		leaves.end(t, key, watched.Primary())
	}
	servers.Until(t, servers.Patience, "nothing to be left", func() error {
		if n, d := g.open(); n > goroutines || d > descriptors {
			return fmt.Errorf("%d goroutines and %d descriptors, there were %d and %d", n, d, goroutines, descriptors)
		}
		return nil
	})

	listener, blocked := servers.MustDial(t, main.Addr()), servers.MustDial(t, main.Addr())
	if _, err := listener.Do("SUBSCRIBE", "news"); err != nil {
		t.Fatal(err)
	}
	if err := blocked.Send("BLPOP", "list", "0"); err != nil {
		t.Fatal(err)
	}
	for i, primary := range []string{behind, alone, behind} {
		g.reload(settings(primary))
		g.awaits("the other server", "primary changed", i+1)
		stays.goOn(t, 1000)
	}
	// What waits is at the new server by now.
	direct := servers.MustDial(t, behind)
	servers.Until(t, servers.Patience, "the subscription", func() error {
		if reply, err := direct.Do("PUBLISH", "news", "hello"); err != nil || string(reply) != ":1\r\n" {
			return fmt.Errorf("%q, %w", reply, err)
		}
		return nil
	})
	if message, err := listener.Frame(); err != nil || !strings.Contains(string(message), "hello") {
		t.Errorf("%q, %v", message, err)
	}
	if _, err := direct.Do("RPUSH", "list", "element"); err != nil {
		t.Fatal(err)
	}
	if got, err := blocked.Frame(); err != nil || !strings.Contains(string(got), "element") {
		t.Errorf("%q, %v", got, err)
	}
	stays.end(t, "stays", one.Primary(), two.Primary())
	if log := g.Log(); strings.Contains(log, "reload failed") || strings.Contains(log, "need a restart") {
		t.Error(log)
	}
}

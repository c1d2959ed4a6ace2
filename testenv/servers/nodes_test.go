package servers

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// counter is a client that increments keys, one after the other. It tolerates no error except UNCERTAIN.
type counter struct {
	conn                    *Conn
	keys                    []string
	acknowledged, uncertain int
	// pause is the longest duration of a request.
	pause time.Duration
}

func startCounter(t *testing.T, addr string, keys ...string) *counter {
	t.Helper()
	c := &counter{conn: MustDial(t, addr), keys: keys}
	c.conn.Timeout = 30 * time.Second
	return c
}

// count sends one INCR.
func (c *counter) count(t *testing.T) {
	t.Helper()
	began := time.Now()
	key := c.keys[(c.acknowledged+c.uncertain)%len(c.keys)]
	reply, err := c.conn.Do("INCR", key)
	c.pause = max(c.pause, time.Since(began))
	switch {
	case err != nil:
		t.Fatal(err)
	case reply[0] == ':':
		c.acknowledged++
	case strings.HasPrefix(string(reply), "-UNCERTAIN "):
		c.uncertain++
	default:
		t.Fatalf("INCR %s is answered %q", key, reply)
	}
}

// countUntil counts until a condition is met.
func (c *counter) countUntil(t *testing.T, what string, cond func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	c.countWhile(t, func() error { return WaitFor(ctx, what, cond) })
}

// countWhile counts while do runs.
func (c *counter) countWhile(t *testing.T, do func() error) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- do() }()
	for {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			return
		default:
			c.count(t)
		}
	}
}

// renumber moves a server to another port.
func (e *Env) renumber(t *testing.T, n *Node) {
	t.Helper()
	if err := n.Stop(); err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(n.Dir, "conf")
	text, err := os.ReadFile(conf)
	if err != nil {
		t.Fatal(err)
	}
	p, err := ReservePort(IPv4Loopback)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), fmt.Sprintf("port %d\n", n.Port), fmt.Sprintf("port %d\n", p.number), 1)
	if err := os.WriteFile(conf, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	n.port.Release()
	_ = n.client.Close()
	n.port, n.Port, n.Addr, n.client = p, p.number, p.Addr(), NewClient(p.Addr(), "", "")
	if err := n.start(); err != nil {
		t.Fatal(err)
	}
}

// moveSlot moves a slot with all its keys.
func (e *Env) moveSlot(slot int, from, to *Node) error {
	if err := e.MigrateSlot(slot, from, to); err != nil {
		return err
	}
	if err := e.MoveKeys(slot, from, to); err != nil {
		return err
	}
	return e.FinishSlot(slot, from, to)
}

// forget removes a node without slots from the cluster.
func (e *Env) forget(t *testing.T, n *Node) {
	t.Helper()
	id, err := n.Do("CLUSTER", "MYID")
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Kill(); err != nil {
		t.Fatal(err)
	}
	for _, o := range e.Nodes() {
		if o == n {
			continue
		}
		if _, err := o.Do("CLUSTER", "FORGET", id); err != nil {
			t.Fatal(err)
		}
	}
}

// uses returns a check that INFO of the gateway has so many shards, and the address as a primary if primary is true.
func uses(conn *Conn, shards int, addr string, primary bool) func() error {
	return func() error {
		text, err := conn.Do("INFO", "upstream")
		if err != nil {
			return err
		}
		if !strings.Contains(string(text), fmt.Sprintf("\r\nshards:%d\r\n", shards)) ||
			strings.Contains(string(text), ":primary="+addr+",") != primary {
			return fmt.Errorf("INFO says %s", text)
		}
		return nil
	}
}

// TestClusterNodesComeAndGo adds a node to a cluster, moves a slot there and back, removes the node, and changes the
// address of another one, while a client counts.
func TestClusterNodesComeAndGo(t *testing.T) {
	t.Parallel()
	// Otherwise a node without its last slot would become a replica by itself.
	env := StartCluster(t, Options{Primaries: 3, Persist: true, Config: []string{"cluster-allow-replica-migration no"}})
	gate := StartGateway(t, "--cluster", env.Nodes()[0].Addr)
	const slot = 866 // of the key "hello"
	keys := []string{"hello", "{hello}2"}
	for i := range 8 {
		keys = append(keys, fmt.Sprint("key", i))
	}
	c, asks := startCounter(t, gate.Addr, keys...), MustDial(t, gate.Addr)
	for range 100 {
		c.count(t)
	}
	from := env.SlotOwner(slot)

	added, err := env.startClusterNode()
	if err != nil {
		t.Fatal(err)
	}
	env.Groups = append(env.Groups, &Group{Name: "added", Nodes: []*Node{added}, env: env})
	c.countWhile(t, env.meetAll)
	c.countUntil(t, "a cluster of four in which all agree", env.clusterAgrees)
	c.countWhile(t, func() error { return env.moveSlot(slot, from, added) })
	c.countUntil(t, "four shards", uses(asks, 4, added.Addr, true))

	c.countWhile(t, func() error { return env.moveSlot(slot, added, from) })
	env.forget(t, added)
	env.Groups = env.Groups[:3]
	c.countUntil(t, "three shards", uses(asks, 3, added.Addr, false))

	moved := env.Groups[1].Nodes[0]
	before := moved.Addr
	env.renumber(t, moved)
	c.countUntil(t, "the new address", uses(asks, 3, moved.Addr, true))
	for range 100 {
		c.count(t)
	}
	if before == moved.Addr || len(env.Groups) != 3 {
		t.Fatalf("%s is still %s", before, moved.Addr)
	}
	sum := 0
	for _, key := range keys {
		reply, err := asks.Do("GET", key)
		if err != nil {
			t.Fatal(err)
		}
		_, text, _ := strings.Cut(string(reply), "\r\n")
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			t.Fatalf("GET %s: %q", key, reply)
		}
		sum += n
	}
	t.Logf("%d acknowledged, %d uncertain, %d counted; the longest pause was %v", c.acknowledged, c.uncertain, sum,
		c.pause)
	if sum < c.acknowledged || sum > c.acknowledged+c.uncertain {
		t.Error("that does not fit together")
	}
}

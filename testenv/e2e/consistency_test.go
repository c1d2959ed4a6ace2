package e2e

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/anishathalye/porcupine"

	"evergate/testenv/drill/history"
	"evergate/testenv/servers"
)

// TestReadsOfReplicasAreThoseOfThePrimary has clients share keys while replicas serve reads: each reads what any of
// them wrote, also while a replica stops again and again. Both replicas serve.
func TestReadsOfReplicasAreThoseOfThePrimary(t *testing.T) {
	t.Parallel()
	env := servers.StartSentinel(t, servers.Options{Replicas: 2, Fast: true})
	gate := servers.StartGateway(t, "--sentinel", env.SentinelAddrs(), "--master-name", "main", "--workers", "2",
		"--reads", "prefer-replica")
	replicas := env.Groups[0].Nodes[1:]
	s := pool(gate.Addr)
	s.Begin()
	awaitOps(t, s, 6000, func() error { return nil })
	counts := []int{served(t, replicas[0], "get"), served(t, replicas[1], "get")}
	if min(counts[0], counts[1]) < 300 { // on a busy machine one may be left out for a while
		t.Errorf("the replicas have served %v reads", counts)
	}
	stutter(t, s, 12000, replicas[0])
	s.Stop()
	result, own := checked(t, s.Taken())
	if result != porcupine.Ok || !own.Kept() || own.Counts[history.Stale] != 0 {
		t.Errorf("%v, %+v", result, own)
	}
}

// TestReadsOfAnyReplicaAreNot shows that this can fail: where any replica may serve a read.
func TestReadsOfAnyReplicaAreNot(t *testing.T) {
	t.Parallel()
	env := servers.StartSentinel(t, servers.Options{Replicas: 2, Fast: true})
	gate := servers.StartGateway(t, "--sentinel", env.SentinelAddrs(), "--master-name", "main", "--workers", "2",
		"--reads", "prefer-replica", "--consistency", "eventual")
	s := pool(gate.Addr)
	s.Begin()
	stutter(t, s, 4000, env.Groups[0].Nodes[1])
	s.Stop()
	result, own := checked(t, s.Taken())
	if result != porcupine.Illegal || own.Counts[history.Stale] == 0 {
		t.Errorf("%v, %+v", result, own)
	}
}

// TestReadsOfServersThatEvict has the primary serve reads where it evicts by LRU, unless the settings say otherwise.
func TestReadsOfServersThatEvict(t *testing.T) {
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{Replicas: 1})
	for _, setting := range [][]string{{"maxmemory", "100mb"}, {"maxmemory-policy", "allkeys-lru"}} {
		if _, err := env.Primary().Do("config", "set", setting[0], setting[1]); err != nil {
			t.Fatal(err)
		}
	}
	for reads, want := range map[string]string{"auto": "primary", "prefer-replica": "prefer-replica"} {
		gate := servers.StartGateway(t, "--primary", env.Primary().Addr, "--reads", reads)
		conn := servers.MustDial(t, gate.Addr)
		want = fmt.Sprintf("$%d\r\n%s\r\n", len(want), want)
		if err := servers.WaitFor(t.Context(), "reads "+reads, func() error {
			if got, err := conn.Do("PROXY", "READS"); err != nil || string(got) != want {
				return fmt.Errorf("%q, %v; want %q", got, err, want)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	}
}

// TestLateReadsGoToASecondReplica has clients read while a replica is stopped for a moment: no read waits until the
// replica is found to be silent, since another one is asked before. Clients that share keys read what any of them wrote
// all the time.
func TestLateReadsGoToASecondReplica(t *testing.T) {
	t.Parallel()
	env := servers.StartSentinel(t, servers.Options{Replicas: 2, Fast: true})
	gate := servers.StartGateway(t, "--sentinel", env.SentinelAddrs(), "--master-name", "main", "--workers", "1",
		"--reads", "prefer-replica", "--hedge", "5ms")
	replica := env.Groups[0].Nodes[1]
	s := pool(gate.Addr)
	s.Begin()
	awaitOps(t, s, 1000, func() error { return nil })
	stutter(t, s, 4000, replica)
	s.Stop()
	result, own := checked(t, s.Taken())
	if result != porcupine.Ok || !own.Kept() || own.Counts[history.Stale] != 0 {
		t.Errorf("%v, %+v", result, own)
	}
	hedgedReadsGoOn(t, gate, replica)
}

// hedgedReadsGoOn has clients read while a replica is stopped, half of them from there.
func hedgedReadsGoOn(t *testing.T, gate *servers.Gateway, replica *servers.Node) {
	t.Helper()
	clients := make([]*servers.Conn, 8)
	read := func(n int) {
		t.Helper()
		var all sync.WaitGroup
		for _, c := range clients {
			all.Go(func() {
				for range n {
					if reply, err := c.Do("GET", "own"); err != nil || string(reply) != "$1\r\n1\r\n" {
						t.Errorf("%q, %v", reply, err)
					}
				}
			})
		}
		all.Wait()
	}
	for i := range clients {
		c, err := servers.Dial(gate.Addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		clients[i] = c
	}
	if _, err := clients[0].Do("SET", "own", "1"); err != nil {
		t.Fatal(err)
	}
	before := served(t, replica, "get")
	awaitServed := func() error {
		if read(20); served(t, replica, "get") > before+100 {
			return nil
		}
		return errors.New("the replica serves too few reads")
	}
	ctx, cancel := context.WithTimeout(t.Context(), servers.Patience)
	defer cancel()
	if err := servers.WaitFor(ctx, "reads of the replica", awaitServed); err != nil {
		t.Fatal(err)
	}
	was := infoOf(t, clients[0], "failover")
	if err := replica.Freeze(); err != nil {
		t.Fatal(err)
	}
	read(100)
	now := infoOf(t, clients[0], "failover")
	if err := replica.Thaw(); err != nil {
		t.Fatal(err)
	}
	if now["hedges_won"] == was["hedges_won"] || now["reads_rerouted"] != was["reads_rerouted"] {
		t.Errorf("before the replica was stopped: %v, then: %v", was, now)
	}
}

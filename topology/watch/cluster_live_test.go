package watch_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"evergate/testenv/servers"
	"evergate/topology"
	"evergate/topology/watch"
)

// accepts polls a server until it accepts a write to key, and sends the time of that.
func accepts(t *testing.T, n *servers.Node, key string) <-chan time.Time {
	at := make(chan time.Time, 1)
	c, err := servers.Dial(n.Addr)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer c.Close()
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			if reply, err := c.Do("SET", key, "v"); err == nil && string(reply) == "+OK\r\n" {
				at <- time.Now()
				return
			}
			select {
			case <-tick.C:
			case <-t.Context().Done():
				return
			}
		}
	}()
	return at
}

// TestClusterSwitchesAreSeenAtOnce measures from the first write that a replica accepts as the new primary to the View
// that has it: after a crash, a freeze and CLUSTER FAILOVER.
func TestClusterSwitchesAreSeenAtOnce(t *testing.T) {
	servers.SkipShort(t)
	for _, c := range []struct {
		name string
		hurt func(old, next *servers.Node) error
	}{
		{"killed", func(old, _ *servers.Node) error { return old.Kill() }},
		{"frozen", func(old, _ *servers.Node) error { return old.Freeze() }},
		{"planned", func(_, next *servers.Node) error {
			_, err := next.Do("CLUSTER", "FAILOVER")
			return err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := servers.StartCluster(t, servers.Options{Primaries: 3, Replicas: 1})
			k := follow(t, watch.Service{Name: "c", Cluster: []string{env.Nodes()[0].Addr}})[0]
			v := k.until(t, "3 shards with a replica each", fullCluster)
			const slot = 7365 // of the key "c"
			shard := v.Shard(slot)
			old, next := env.Node(shard.Primary.Addr), env.Node(shard.Replicas[0].Addr)
			others := slotOwners(v, old.Addr)
			at := accepts(t, next, "c")
			if err := c.hurt(old, next); err != nil {
				t.Fatal(err)
			}
			if c.name == "planned" {
				k.reportMoved(t, slot, old, next)
			}
			k.until(t, "a new primary of the slot", func(v *topology.View) error {
				s := v.Shard(slot)
				if s == nil || s.Primary == nil || s.Primary.Addr != next.Addr {
					return errors.New("none yet")
				}
				return nil
			})
			accepted := <-at
			k.mu.Lock()
			defer k.mu.Unlock()
			for _, seen := range k.views {
				for addr, slot := range others {
					if s := seen.view.Shard(slot); seen.view.Epoch >= v.Epoch && (s.Primary == nil || s.Primary.Addr != addr) {
						t.Errorf("view %d disturbs the shard of %s: %+v", seen.view.Epoch, addr, s)
					}
				}
			}
			for _, seen := range k.views {
				if s := seen.view.Shard(slot); s != nil && s.Primary != nil && s.Primary.Addr == next.Addr {
					inTime(t, fmt.Sprintf("view %d after the first accepted write", seen.view.Epoch),
						k.stalls.Awake(accepted, seen.at))
					break
				}
			}
		})
	}
}

// reportMoved writes to the old owner of a slot until it replies MOVED, and reports that as a worker does.
func (k *watched) reportMoved(t *testing.T, slot int, old, next *servers.Node) {
	t.Helper()
	c := servers.MustDial(t, old.Addr)
	for moved := false; !moved; {
		reply, err := c.Do("SET", "c", "v")
		if err != nil {
			t.Fatal(err)
		}
		moved = strings.HasPrefix(string(reply), "-MOVED ")
	}
	k.Report(topology.Report{Kind: topology.Moved, Slot: slot, Addr: next.Addr,
		Node: k.View().NodeByAnnounced(old.Addr).ID})
}

// slotOwners returns a slot of each primary but one.
func slotOwners(v *topology.View, but string) map[string]int {
	owners := map[string]int{}
	for slot := range topology.Slots {
		if s := v.Shard(slot); s != nil && s.Primary != nil && s.Primary.Addr != but {
			owners[s.Primary.Addr] = slot
		}
	}
	if len(owners) == 0 {
		panic(fmt.Sprintf("nobody owns a slot but %s", but))
	}
	return owners
}

// TestClusterIsWatchedWhileItForms watches a cluster from its start: its nodes are known, by their IP addresses, before
// they have slots and hostnames. Every replica must serve reads once the cluster has formed.
func TestClusterIsWatchedWhileItForms(t *testing.T) {
	env := servers.StartCluster(t, servers.Options{Primaries: 3, Replicas: 1, Unformed: true})
	nodes := env.Nodes()
	do := func(n *servers.Node, args ...any) any {
		t.Helper()
		reply, err := n.Do(args...)
		if err != nil {
			t.Fatalf("%s: %v: %v", n.Addr, args, err)
		}
		return reply
	}
	k := follow(t, watch.Service{Name: "c", Cluster: []string{nodes[0].Addr}})[0]
	for _, n := range nodes[1:] {
		do(nodes[0], "CLUSTER", "MEET", "127.0.0.1", n.Port)
	}
	servers.Until(t, servers.Patience, "the first node to know all", func() error {
		if known := strings.Count(do(nodes[0], "CLUSTER", "NODES").(string), " connected"); known < len(nodes) {
			return fmt.Errorf("it knows %d", known)
		}
		return nil
	})
	do(nodes[0], "CONFIG", "RESETSTAT")
	servers.Until(t, servers.Patience, "the watch to have seen them", func() error {
		// Its second query came after the reply to the first.
		if asked := fmt.Sprint(do(nodes[0], "INFO", "commandstats")); !strings.Contains(asked, "shards:calls=2,") {
			return errors.New("not asked yet")
		}
		return nil
	})
	for _, n := range nodes {
		do(n, "CONFIG", "SET", "cluster-announce-hostname", "localhost")
		do(n, "CONFIG", "SET", "cluster-preferred-endpoint-type", "hostname")
	}
	for i, g := range env.Groups {
		do(g.Nodes[0], "CLUSTER", "ADDSLOTSRANGE", i*topology.Slots/3, (i+1)*topology.Slots/3-1)
		id := do(g.Nodes[0], "CLUSTER", "MYID")
		servers.Until(t, servers.Patience, "the replica to know its primary", func() error {
			_, err := g.Nodes[1].Do("CLUSTER", "REPLICATE", id)
			return err
		})
	}
	v := k.until(t, "3 shards with a replica each, by their hostnames", func(v *topology.View) error {
		if err := fullCluster(v); err != nil {
			return err
		}
		for _, shard := range v.Shards {
			if !strings.HasPrefix(shard.Primary.Addr, "localhost:") {
				return fmt.Errorf("primary %s", shard.Primary.Addr)
			}
		}
		return nil
	})
	for _, shard := range v.Shards {
		if !strings.HasPrefix(shard.Replicas[0].Addr, "localhost:") {
			t.Errorf("replica %s", shard.Replicas[0].Addr)
		}
	}
}

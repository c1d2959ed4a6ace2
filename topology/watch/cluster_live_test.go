package watch_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"evergate/testenv"
	"evergate/topology"
	"evergate/topology/watch"
)

// accepts polls a server until it accepts a write to key, and sends the time.
func accepts(t *testing.T, n *testenv.Node, key string) <-chan time.Time {
	at := make(chan time.Time, 1)
	c, err := testenv.Dial(n.Addr)
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
	testenv.SkipShort(t)
	for _, c := range []struct {
		name string
		hurt func(old, next *testenv.Node) error
	}{
		{"killed", func(old, _ *testenv.Node) error { return old.Kill() }},
		{"frozen", func(old, _ *testenv.Node) error { return old.Freeze() }},
		{"planned", func(_, next *testenv.Node) error {
			_, err := next.Do("CLUSTER", "FAILOVER")
			return err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := testenv.StartCluster(t, testenv.Options{Primaries: 3, Replicas: 1})
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
					took := seen.at.Sub(accepted)
					t.Logf("view %d came %v after the first accepted write", seen.view.Epoch, took)
					if took > atOnce {
						t.Errorf("it took %v, want at most %v", took, atOnce)
					}
					break
				}
			}
		})
	}
}

// reportMoved writes to the old owner of a slot until it says MOVED, and reports that as a worker does.
func (k *watched) reportMoved(t *testing.T, slot int, old, next *testenv.Node) {
	t.Helper()
	c := testenv.MustDial(t, old.Addr)
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

// slotOwners names a slot of each primary but one.
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

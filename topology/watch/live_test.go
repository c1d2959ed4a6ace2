package watch_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"evergate/testenv/servers"
	"evergate/topology"
	"evergate/topology/decide"
	"evergate/topology/keeper"
	"evergate/topology/watch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// atOnce is less than the time between two polls (three seconds) or between a Sentinel's own checks of a promoted node,
// and long enough for a busy machine. The drills measure the time on an idle one.
const atOnce = time.Second

// inTime logs how long something took, without stalls, and fails the test if that is longer than atOnce. Under the race
// detector, beside other packages, computing alone can take seconds: the time is only logged.
func inTime(t *testing.T, what string, took time.Duration) {
	t.Helper()
	t.Logf("%s took %v", what, took)
	if took > atOnce && !servers.RaceEnabled {
		t.Errorf("%s took %v, want at most %v", what, took, atOnce)
	}
}

// watched is a running Watch of one service with its events.
type watched struct {
	*keeper.Keeper
	stalls *servers.Stalls
	mu     sync.Mutex
	views  []seenView
	events []string
	given  []*decide.Receipt
}

type seenView struct {
	view *topology.View
	at   time.Time
}

// follow runs a Watch of the services until the test ends, and returns them in order.
func follow(t *testing.T, services ...watch.Service) []*watched {
	t.Helper()
	return followWith(t, 0, services...)
}

// followWith is follow with a number of workers, which must settle each View with a new primary.
func followWith(t *testing.T, workers int, services ...watch.Service) []*watched {
	t.Helper()
	w, stalls := watch.New(watch.Options{}), servers.RecordStalls(t)
	list := make([]*watched, len(services))
	for i, s := range services {
		k := &watched{Keeper: w.Add(s).Keeper, stalls: stalls}
		k.SetWorkers(workers)
		k.OnView(func(v *topology.View) {
			k.mu.Lock()
			defer k.mu.Unlock()
			k.views = append(k.views, seenView{v, time.Now()})
		})
		k.OnEvent(func(e decide.Event) {
			k.mu.Lock()
			defer k.mu.Unlock()
			k.events = append(k.events, e.String())
			if e.Receipt != nil {
				k.given = append(k.given, e.Receipt)
			}
		})
		list[i] = k
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(servers.Patience):
			t.Error("Run did not end with its context")
		}
		if t.Failed() {
			for i, k := range list {
				t.Logf("service %d: events:\n%s", i, strings.Join(k.lines(), "\n"))
			}
		}
	})
	return list
}

func (k *watched) lines() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append([]string(nil), k.events...)
}

// until waits for a View without an error from fits.
func (k *watched) until(t *testing.T, what string, fits func(v *topology.View) error) *topology.View {
	t.Helper()
	servers.Until(t, servers.Patience, what, func() error {
		v := k.View()
		if v == nil {
			return errors.New("no view")
		}
		return fits(v)
	})
	return k.View()
}

// shape returns a check that the only shard has this primary and so many replicas.
func shape(primary string, replicas int) func(v *topology.View) error {
	return func(v *topology.View) error {
		s := v.Shards[0]
		if s.Primary == nil {
			return fmt.Errorf("view %d: no primary", v.Epoch)
		}
		if s.Primary.Addr != primary || len(s.Replicas) != replicas {
			return fmt.Errorf("view %d: primary %s with %d replicas", v.Epoch, s.Primary.Addr, len(s.Replicas))
		}
		return nil
	}
}

func TestPlainLearnsReplicas(t *testing.T) {
	servers.SkipShort(t)
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{Replicas: 2})
	k := follow(t, watch.Service{Name: "plain", Primary: env.Primary().Addr})[0]
	v := k.until(t, "primary and two replicas", shape(env.Primary().Addr, 2))
	if v.Lowest == nil || v.Lowest.Version == "" || v.Sharded {
		t.Errorf("lowest %v, sharded %v", v.Lowest, v.Sharded)
	}
}

func TestEvictionIsSeen(t *testing.T) {
	servers.SkipShort(t)
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{})
	for _, setting := range []string{"maxmemory 100mb", "maxmemory-policy allkeys-lfu"} {
		name, value, _ := strings.Cut(setting, " ")
		if _, err := env.Primary().Do("config", "set", name, value); err != nil {
			t.Fatal(err)
		}
	}
	k := follow(t, watch.Service{Name: "plain", Primary: env.Primary().Addr})[0]
	k.until(t, "the policy of the primary", func(v *topology.View) error {
		if n := v.EvictsUnread(); n == nil || n.Eviction != "allkeys-lfu" {
			return fmt.Errorf("%v evicts unread keys", n)
		}
		return nil
	})
}

// TestSentinelSwitchIsSeenAtOnce measures from the first +switch-master that any Sentinel publishes to the View.
func TestSentinelSwitchIsSeenAtOnce(t *testing.T) {
	servers.SkipShort(t)
	env := servers.StartSentinel(t, servers.Options{Replicas: 2, Sentinels: 3, Fast: true})
	old := env.Primary()
	k := follow(t, watch.Service{Name: "s", Sentinels: []string{env.Sentinels[0].Addr}, MasterName: "main"})[0]
	k.until(t, "primary and two replicas", shape(old.Addr, 2))
	servers.Until(t, servers.Patience, "all three Sentinels reachable", func() error {
		if n := strings.Count(strings.Join(k.lines(), "\n"), " reachable"); n < 3 {
			return fmt.Errorf("%d reachable", n)
		}
		return nil
	})
	message := make(chan time.Time, len(env.Sentinels))
	for _, s := range env.Sentinels {
		sub := redis.NewSentinelClient(&redis.Options{Addr: s.Addr}).Subscribe(t.Context(), "+switch-master")
		t.Cleanup(func() { _ = sub.Close() })
		if _, err := sub.Receive(t.Context()); err != nil {
			t.Fatal(err)
		}
		go func() {
			if _, err := sub.ReceiveMessage(t.Context()); err == nil {
				message <- time.Now()
			}
		}()
	}
	if err := old.Kill(); err != nil {
		t.Fatal(err)
	}
	var first time.Time
	select {
	case first = <-message:
	case <-time.After(servers.Patience):
		t.Fatal("no +switch-master")
	}
	k.until(t, "a new primary", func(v *topology.View) error {
		if p := v.Shards[0].Primary; p == nil || p.Addr == old.Addr {
			return errors.New("no new one yet")
		}
		return nil
	})
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, s := range k.views {
		if p := s.view.Shards[0].Primary; p != nil && p.Addr != old.Addr {
			inTime(t, fmt.Sprintf("view %d after the first message", s.view.Epoch), k.stalls.Awake(first, s.at))
			break
		}
	}
}

// TestClusterFailover watches a whole Cluster, with two users of whom one may not call CLUSTER SHARDS, then a slot that
// moves, then a primary that is killed.
func TestClusterFailover(t *testing.T) {
	servers.SkipShort(t)
	t.Parallel()
	env := servers.StartCluster(t, servers.Options{Primaries: 3, Replicas: 1, ACL: []string{
		"user default on nopass ~* &* +@all", "user few on >secret -@all +ping " + without(watch.ServerCommands,
			"+cluster|shards", "+role", "+config|get")}})
	seed := []string{env.Nodes()[0].Addr}
	few := func() (string, string, error) { return "few", "secret", nil }
	list := follow(t, watch.Service{Name: "all", Cluster: seed},
		watch.Service{Name: "few", Cluster: seed, Upstream: few})
	for _, k := range list {
		k.until(t, "3 shards with a replica each", fullCluster)
	}
	const slot = 100
	from, to := env.SlotOwner(slot), env.SlotOwner(topology.Slots-1)
	if err := env.MigrateSlot(slot, from, to); err != nil {
		t.Fatal(err)
	}
	if err := env.FinishSlot(slot, from, to); err != nil {
		t.Fatal(err)
	}
	for _, k := range list {
		v := k.View()
		n := v.NodeByAnnounced(from.Addr)
		k.Report(topology.Report{Kind: topology.Moved, Node: n.ID, Slot: slot, Addr: to.Addr, Epoch: v.Epoch})
		k.until(t, "the moved slot", func(v *topology.View) error {
			if p := v.Shard(slot).Primary; p.Addr != to.Addr {
				return fmt.Errorf("slot %d is %s's", slot, p.Addr)
			}
			return nil
		})
	}
	if err := to.Kill(); err != nil {
		t.Fatal(err)
	}
	for _, k := range list {
		k.until(t, "a new primary of the slot", func(v *topology.View) error {
			s := v.Shard(slot)
			if s.Primary == nil || s.Primary.Addr == to.Addr || s.Condition != topology.Steady {
				return fmt.Errorf("slot %d is %s's, %s", slot, s.Standing().Addr, s.Condition)
			}
			return nil
		})
	}
}

// without removes rules from an ACL list.
func without(rules string, out ...string) string {
	for _, r := range out {
		rules = strings.ReplaceAll(rules, r, "")
	}
	return rules
}

func fullCluster(v *topology.View) error {
	if len(v.Shards) != 3 {
		return fmt.Errorf("%d shards", len(v.Shards))
	}
	for _, s := range v.Shards {
		if len(s.Replicas) != 1 || s.Condition != topology.Steady {
			return fmt.Errorf("shard %s: %d replicas, %s", s.Name, len(s.Replicas), s.Condition)
		}
	}
	for slot := range topology.Slots {
		if v.Shard(slot) == nil {
			return fmt.Errorf("slot %d has no shard", slot)
		}
	}
	return nil
}

// TestFewRights: users with exactly the documented commands, then without ROLE, without INFO, without both.
func TestFewRights(t *testing.T) {
	servers.SkipShort(t)
	t.Parallel()
	var acl []string
	users := map[string]string{"exact": watch.ServerCommands, "norole": without(watch.ServerCommands, "+role"),
		"noinfo": without(watch.ServerCommands, "+info"), "none": "+ping"}
	for name, rules := range users {
		acl = append(acl, "user "+name+" on >secret resetchannels -@all "+rules)
	}
	env := servers.StartPlain(t, servers.Options{Replicas: 1,
		ACL: append(acl, "user default on nopass ~* &* +@all")})
	primary, replica := env.Primary().Addr, env.Replicas()[0].Addr
	var services []watch.Service
	for name := range users {
		services = append(services, watch.Service{Name: name, Primary: primary, Replicas: []string{replica},
			Upstream: func() (string, string, error) { return name, "secret", nil }})
	}
	for i, k := range follow(t, services...) {
		v := k.until(t, services[i].Name+" sees both nodes", shape(primary, 1))
		if v.Lowest == nil || v.Lowest.Version == "" {
			t.Errorf("%s: no version", services[i].Name)
		}
	}
	for _, n := range env.Nodes() {
		reply, err := n.Do("info", "commandstats")
		if err != nil {
			t.Fatal(err)
		}
		for _, forbidden := range []string{"cmdstat_client|setinfo", "cmdstat_client|maint", "cmdstat_select"} {
			if strings.Contains(fmt.Sprint(reply), forbidden) {
				t.Errorf("%s was sent to %s", forbidden, n.Addr)
			}
		}
	}
}

// TestRightsThatChange takes INFO from a user while its connections last: its roles are asked by ROLE at once.
func TestRightsThatChange(t *testing.T) {
	servers.SkipShort(t)
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{Replicas: 1, ACL: []string{"user default on nopass ~* &* +@all",
		"user few on >secret resetchannels -@all " + watch.ServerCommands}})
	old, next := env.Primary(), env.Replicas()[0]
	k := follow(t, watch.Service{Name: "p", Primary: old.Addr, Replicas: []string{next.Addr},
		Upstream: func() (string, string, error) { return "few", "secret", nil }})[0]
	k.until(t, "both nodes", shape(old.Addr, 1))
	do := func(n *servers.Node, args ...any) {
		t.Helper()
		if _, err := n.Do(args...); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range env.Nodes() {
		do(n, "ACL", "SETUSER", "few", "-info")
	}
	do(next, "REPLICAOF", "NO", "ONE")
	do(old, "REPLICAOF", "127.0.0.1", next.Port)
	swapped := time.Now()
	k.until(t, "the other primary, with a replica", shape(next.Addr, 1))
	if took := k.stalls.Awake(swapped, time.Now()); took > 8*time.Second { // after 10 s everything is asked again anyway
		t.Errorf("it took %v", took)
	}
}

// TestOneSubscriptionASentinel: three services, one set of Sentinels behind passwords and few rights. Each Sentinel has
// one subscriber, whichever service named it, and by whichever name; a service with an unknown master does not affect
// the others.
func TestOneSubscriptionASentinel(t *testing.T) {
	servers.SkipShort(t)
	t.Parallel()
	env := servers.StartSentinel(t, servers.Options{Replicas: 1, Sentinels: 3, Masters: []string{"one", "two"},
		SentinelConfig: []string{"user gate on >secret -@all " + watch.SentinelCommands}})
	gate := func() (string, string, error) { return "gate", "secret", nil }
	list := follow(t,
		watch.Service{Name: "1", Sentinels: []string{env.Sentinels[0].Addr}, MasterName: "one", Sentinel: gate},
		watch.Service{Name: "2", MasterName: "two", Sentinel: gate, Sentinels: []string{env.Sentinels[1].Addr,
			strings.Replace(env.Sentinels[1].Addr, "127.0.0.1", "localhost", 1)}},
		watch.Service{Name: "3", Sentinels: []string{env.Sentinels[2].Addr}, MasterName: "nobody", Sentinel: gate})
	for i, k := range list[:2] {
		k.until(t, "primary and a replica", shape(env.Groups[i].Primary().Addr, 1))
	}
	servers.Until(t, servers.Patience, "one subscription a Sentinel", func() error {
		for _, s := range env.Sentinels {
			clients, err := s.Do("client", "list")
			if err != nil {
				return err
			}
			n := 0
			for line := range strings.Lines(fmt.Sprint(clients)) {
				if strings.Contains(line, "user=gate") && !strings.Contains(line, "psub=0") {
					n++
				}
			}
			if n != 1 {
				return fmt.Errorf("%s has %d", s.Addr, n)
			}
		}
		return nil
	})
	if list[2].View() != nil {
		t.Error("a view of a master that no Sentinel knows")
	}
	if events := strings.Join(list[2].lines(), "\n"); strings.Count(events, "No such master") != 1 {
		t.Errorf("want it logged once:\n%s", events)
	}
}

// TestFrozenSentinel: a Sentinel that falls silent without closing connections is noticed, and used again afterwards.
func TestFrozenSentinel(t *testing.T) {
	servers.SkipShort(t)
	t.Parallel()
	env := servers.StartSentinel(t, servers.Options{Replicas: 1, Sentinels: 3})
	k := follow(t, watch.Service{Name: "s", Sentinels: strings.Split(env.SentinelAddrs(), ","), MasterName: "main"})[0]
	k.until(t, "primary and a replica", shape(env.Primary().Addr, 1))
	frozen := env.Sentinels[1]
	logged := func(what string) func() error {
		return func() error {
			events := k.lines()
			if len(events) == 0 || !strings.HasPrefix(events[len(events)-1], "sentinel "+frozen.Addr+" "+what) {
				return fmt.Errorf("last event: %v", events[max(0, len(events)-1):])
			}
			return nil
		}
	}
	if err := frozen.Freeze(); err != nil {
		t.Fatal(err)
	}
	servers.Until(t, servers.Patience, "the Sentinel unreachable", logged("unreachable"))
	if err := frozen.Thaw(); err != nil {
		t.Fatal(err)
	}
	servers.Until(t, servers.Patience, "the Sentinel reachable", logged("reachable"))
	if v := k.View(); v.Shards[0].Primary.Addr != env.Primary().Addr {
		t.Errorf("primary %s", v.Shards[0].Primary.Addr)
	}
}

// TestNothingThereYet: a service is watched before its servers run; that is reported once, and the servers are found
// when they start. A server without Sentinels or slots is then unreachable for another reason.
func TestNothingThereYet(t *testing.T) {
	servers.SkipShort(t)
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{})
	node := env.Primary()
	if err := node.Kill(); err != nil {
		t.Fatal(err)
	}
	k := follow(t, watch.Service{Name: "p", Primary: node.Addr},
		watch.Service{Name: "s", Sentinels: []string{node.Addr}, MasterName: "main"},
		watch.Service{Name: "c", Cluster: []string{node.Addr}})
	for _, k := range k {
		servers.Until(t, servers.Patience, "the loss told", func() error {
			if events := k.lines(); len(events) != 1 || !strings.Contains(events[0], "unreachable (connection refused)") {
				return fmt.Errorf("events: %v", events)
			}
			return nil
		})
	}
	if err := node.Restart(); err != nil {
		t.Fatal(err)
	}
	k[0].until(t, "the primary", shape(node.Addr, 0))
	for _, k := range k[1:] {
		if n := strings.Count(strings.Join(k.lines(), "\n"), "unreachable (connection refused)"); n != 1 {
			t.Errorf("the loss was told %d times", n)
		}
	}
}

// TestAddressLeadsElsewhere moves an address to another server, as a name or a virtual address moves, while existing
// connections stay with the old one, which lives. Workers report the other run.
func TestAddressLeadsElsewhere(t *testing.T) {
	old, next := servers.StartPlain(t, servers.Options{}), servers.StartPlain(t, servers.Options{})
	relay := servers.StartFault(t, old.Primary().Addr)
	k := follow(t, watch.Service{Name: "p", Primary: relay.Addr})[0]
	first := k.until(t, "the first server", shape(relay.Addr, 0)).Shards[0].Primary
	relay.Retarget(next.Primary().Addr)
	k.Report(topology.Report{Kind: topology.OtherRun, Node: first.ID})
	k.until(t, "the run that the address leads to", func(v *topology.View) error {
		if p := v.Shards[0].Primary; p == nil || p.RunID == first.RunID {
			return errors.New("the old one")
		}
		return nil
	})
}

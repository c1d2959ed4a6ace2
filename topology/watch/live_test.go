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

	"evergate/testenv"
	"evergate/topology"
	"evergate/topology/watch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// watched is a running Watch of one service with what it said.
type watched struct {
	*topology.Keeper
	mu     sync.Mutex
	views  []seenView
	events []string
}

type seenView struct {
	view *topology.View
	at   time.Time
}

// follow runs a Watch of the services until the test ends, and returns them in order.
func follow(t *testing.T, services ...watch.Service) []*watched {
	t.Helper()
	w := watch.New(watch.Options{})
	list := make([]*watched, len(services))
	for i, s := range services {
		k := &watched{Keeper: w.Add(s)}
		k.OnView(func(v *topology.View) {
			k.mu.Lock()
			defer k.mu.Unlock()
			k.views = append(k.views, seenView{v, time.Now()})
		})
		k.OnEvent(func(e topology.Event) {
			k.mu.Lock()
			defer k.mu.Unlock()
			k.events = append(k.events, e.String())
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
		case <-time.After(5 * time.Second):
			t.Error("Run did not end within 5s of its context")
		}
		if t.Failed() {
			for i, k := range list {
				t.Logf("service %d: events:\n%s", i, strings.Join(k.told(), "\n"))
			}
		}
	})
	return list
}

func (k *watched) told() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append([]string(nil), k.events...)
}

// until waits for a View that fits.
func (k *watched) until(t *testing.T, what string, fits func(v *topology.View) error) *topology.View {
	t.Helper()
	testenv.Until(t, 20*time.Second, what, func() error {
		v := k.View()
		if v == nil {
			return errors.New("no view")
		}
		return fits(v)
	})
	return k.View()
}

// shape says that the only shard has this primary and so many replicas.
func shape(primary string, replicas int) func(v *topology.View) error {
	return func(v *topology.View) error {
		s := v.Shards[0]
		if s.Primary.Addr != primary || len(s.Replicas) != replicas {
			return fmt.Errorf("view %d: primary %s with %d replicas", v.Epoch, s.Primary.Addr, len(s.Replicas))
		}
		return nil
	}
}

func TestPlainLearnsReplicas(t *testing.T) {
	testenv.SkipShort(t)
	env := testenv.StartPlain(t, testenv.Options{Replicas: 2})
	k := follow(t, watch.Service{Name: "plain", Primary: env.Primary().Addr})[0]
	v := k.until(t, "primary and two replicas", shape(env.Primary().Addr, 2))
	if v.Lowest == nil || v.Lowest.Version == "" || v.Sharded {
		t.Errorf("lowest %v, sharded %v", v.Lowest, v.Sharded)
	}
}

// TestSentinelSwitchIsSeenAtOnce measures from the first +switch-master that any Sentinel publishes to the View.
func TestSentinelSwitchIsSeenAtOnce(t *testing.T) {
	testenv.SkipShort(t)
	env := testenv.StartSentinel(t, testenv.Options{Replicas: 2, Sentinels: 3, Fast: true})
	old := env.Primary()
	k := follow(t, watch.Service{Name: "s", Sentinels: []string{env.Sentinels[0].Addr}, MasterName: "main"})[0]
	k.until(t, "primary and two replicas", shape(old.Addr, 2))
	testenv.Until(t, 10*time.Second, "all three Sentinels heard", func() error {
		if n := strings.Count(strings.Join(k.told(), "\n"), " heard"); n < 3 {
			return fmt.Errorf("%d heard", n)
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
	case <-time.After(20 * time.Second):
		t.Fatal("no +switch-master")
	}
	k.until(t, "a new primary", func(v *topology.View) error {
		if v.Shards[0].Primary.Addr == old.Addr {
			return errors.New("still the old one")
		}
		return nil
	})
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, s := range k.views {
		if s.view.Shards[0].Primary.Addr != old.Addr {
			took := s.at.Sub(first)
			t.Logf("view %d came %v after the first message", s.view.Epoch, took)
			if took > 100*time.Millisecond {
				t.Errorf("view came %v after the message, want at most 100ms", took)
			}
			break
		}
	}
}

func TestClusterServesAllSlots(t *testing.T) {
	testenv.SkipShort(t)
	env := testenv.StartCluster(t, testenv.Options{Primaries: 3, Replicas: 1})
	k := follow(t, watch.Service{Name: "c", Cluster: []string{env.Nodes()[0].Addr}})[0]
	k.until(t, "3 shards with a replica each", fullCluster)
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

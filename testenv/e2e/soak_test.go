package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"evergate/testenv/servers"
)

// Many failovers must not change the gateway. `make soak` runs 200 in a row; as a test among others it runs a few.

const (
	// soakFailovers is how many are measured without EVERGATE_FAILOVERS. A fifth more come before.
	soakFailovers = 5
	// soakKillEvery: in every so many-th failover the primary is killed and comes back. The others are planned.
	soakKillEvery = 5
	// soakPatience bounds each step of a failover, until all clients and servers have settled.
	soakPatience = 60 * time.Second
	// soakClients are the clients of the load, soakPause the time between two writes of each.
	soakClients = 50
	soakPause   = 50 * time.Millisecond
	// soakHerd is how many times the connections of the steady state a server may have while roles change: those of its
	// former and of its new role. Far more clients wait for it.
	soakHerd = 2
	// soakCalm is how many equal samples in a row count as the steady state.
	soakCalm = 100
	// The growth that all failovers together may cause. Live bytes are those of the last collection; resident ones include
	// garbage, and memory that the runtime keeps.
	soakLiveMax     = 512 << 10
	soakResidentMax = 8 << 20
)

// figures must not change in failovers.
type figures struct {
	goroutines, descriptors, connections int
	// toPrimary and toReplicas are the gateway's connections as counted by the servers.
	toPrimary, toReplicas int
}

// within reports whether no figure is greater than in other.
func (f figures) within(other figures) bool {
	return f.goroutines <= other.goroutines && f.descriptors <= other.descriptors && f.connections <= other.connections &&
		f.toPrimary <= other.toPrimary && f.toReplicas <= other.toReplicas
}

func (f figures) String() string {
	return fmt.Sprintf("%d goroutines, %d descriptors, %d lanes, %d connections to the primary and %d to replicas",
		f.goroutines, f.descriptors, f.connections, f.toPrimary, f.toReplicas)
}

func TestManyFailoversLeaveNothingBehind(t *testing.T) {
	servers.SkipShort(t)
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc, which only Linux has")
	}
	counted := soakFailovers
	if text := os.Getenv("EVERGATE_FAILOVERS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			t.Fatalf("EVERGATE_FAILOVERS is %q", text)
		}
		counted = n
	}
	s := startSoak(t)
	for i := range max(2, counted/5) {
		s.failover(t, i)
	}
	before := s.steady(t)
	live, resident := s.memory(t)
	switched := s.figure(t, "failovers_switched")
	t.Logf("before:    %v; %d KiB live, %d KiB resident", before, live>>10, resident>>10)
	began := time.Now()
	for i := range counted {
		s.failover(t, i)
		if done := i + 1; done%20 == 0 {
			live, resident := s.memory(t)
			t.Logf("after %3d: %v; %d KiB live, %d KiB resident", done, s.look(t), live>>10, resident>>10)
		}
	}
	each := time.Since(began) / time.Duration(counted)
	s.back(t, before)
	liveNow, residentNow := s.memory(t)
	t.Logf("at the end: %v; %d KiB live, %d KiB resident", s.look(t), liveNow>>10, residentNow>>10)
	t.Logf("%v for each failover; Sentinels were asked %d times; %d writes acknowledged, %d uncertain; no server had "+
		"more than %d connections", each.Round(time.Millisecond), s.attempts, s.acknowledged.Load(), s.uncertain.Load(),
		s.most)
	if s.most > soakHerd*before.toPrimary {
		t.Errorf("a server had %d connections", s.most)
	}
	if liveNow > live+soakLiveMax || residentNow > resident+soakResidentMax {
		t.Errorf("memory has grown: %d KiB live, %d KiB resident before", live>>10, resident>>10)
	}
	if got := s.figure(t, "failovers_switched") - switched; got < counted {
		t.Errorf("the gateway saw %d switches of %d", got, counted)
	}
}

// soak is the system under test: servers, the gateway, and clients that never stop.
type soak struct {
	env  *servers.Env
	gate *servers.Gateway
	asks *servers.Conn
	// attempts counts how often SENTINEL FAILOVER was sent.
	attempts int
	// most is the highest number of connections from the gateway to one server.
	most int
	// acknowledged and uncertain count the writes of the clients.
	acknowledged, uncertain atomic.Int64
}

func startSoak(t *testing.T) *soak {
	t.Helper()
	// The gateway has a user of its own, which identifies its connections.
	acl := []string{"user default on nopass ~* &* +@all", "user " + aclUser + " on >" + aclPassword + " ~* &* +@all"}
	// After a switch Sentinels replace a primary that died only when twice the failover timeout has passed.
	env := servers.StartSentinel(t, servers.Options{Replicas: 2, Fast: true, Persist: true, ACL: acl,
		FailoverTimeout: 2 * time.Second,
		SentinelConfig:  acl})
	// With fast periods the other Sentinels would demote a candidate after 0.4 s; its leader queries it once a second.
	for _, n := range env.Sentinels {
		if _, err := n.Do("SENTINEL", "DEBUG", "publish-period", 400); err != nil && env.Version.AtLeast(7, 0) {
			t.Fatal(err)
		}
	}
	// On a busy machine servers are slow, and the gateway opens a connection beside a slow one, for a minute or more. That
	// has nothing to do with failovers, so the test sets a long limit.
	s := &soak{env: env, gate: startAsUser(t, "--sentinel", env.SentinelAddrs(), "--master-name", "main",
		"--log-level", "warn", "--silent-after", "10s")}
	s.asks = servers.MustDial(t, s.gate.Addr)
	ctx, cancel := context.WithCancel(context.Background())
	var clients sync.WaitGroup
	for i := range soakClients {
		conn := servers.MustDial(t, s.gate.Addr)
		conn.Timeout = soakPatience
		clients.Go(func() { s.count(ctx, t, conn, fmt.Sprint("soak:", i)) })
	}
	t.Cleanup(func() {
		cancel()
		clients.Wait()
	})
	return s
}

// count is one client: it increments a key and reads it, and stops at a reply that breaks a promise.
func (s *soak) count(ctx context.Context, t *testing.T, conn *servers.Conn, key string) {
	tick := time.NewTicker(soakPause)
	defer tick.Stop()
	for ctx.Err() == nil {
		<-tick.C
		reply, err := conn.Do("INCR", key)
		switch {
		case err == nil && reply[0] == ':':
			s.acknowledged.Add(1)
		case err == nil && strings.HasPrefix(string(reply), "-UNCERTAIN "):
			s.uncertain.Add(1)
		default:
			t.Errorf("INCR %s: %q, %v", key, reply, err)
			return
		}
		if reply, err := conn.Do("GET", key); err != nil || reply[0] != '$' {
			t.Errorf("GET %s: %q, %v", key, reply, err)
			return
		}
	}
}

// failover makes another server the primary, and waits until all clients and servers have settled.
func (s *soak) failover(t *testing.T, n int) {
	t.Helper()
	group := s.env.Groups[0]
	var old *servers.Node
	servers.Until(t, soakPatience, "a primary", func() error {
		if old = group.Primary(); old == nil {
			return errors.New("there is none")
		}
		return nil
	})
	planned := n%soakKillEvery != 0
	if !planned {
		if err := old.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	servers.Until(t, soakPatience, fmt.Sprint("another primary in failover ", n), func() error {
		for _, node := range s.env.Nodes() {
			s.most = max(s.most, connectionsOf(node, aclUser))
		}
		switch now := group.Primary(); {
		case now == old && planned: // also again, if Sentinels have given up an attempt
			if err := group.Failover(); err != nil {
				return err
			}
			s.attempts++
			return errors.New("it was just asked for")
		case now == nil || now == old:
			return errors.New("there is none")
		}
		return nil
	})
	if !old.Running() {
		if err := old.Restart(); err != nil {
			t.Fatal(err)
		}
	}
	if err := group.AwaitReplicas(); err != nil {
		t.Fatal(err)
	}
	servers.Until(t, soakPatience, "Sentinels that know everyone", s.env.SentinelsKnowAll)
	servers.Until(t, soakPatience, "a gateway that reads from all replicas", func() error {
		text, err := s.asks.Do("INFO", "upstream")
		if !strings.Contains(string(text), fmt.Sprintf(",replicas=%d\r\n", len(group.Nodes)-1)) {
			return fmt.Errorf("INFO says %s, %w", text, errors.Join(err))
		}
		return nil
	})
	flowing := s.acknowledged.Load() + soakClients
	servers.Until(t, soakPatience, "writes", func() error {
		if s.acknowledged.Load() < flowing {
			return errors.New("there are none")
		}
		return nil
	})
}

// steady waits until the figures have not changed for a while, and each worker has a connection to each server: it
// closes one to a server that is silent, as all are on a machine that stalls, and opens another for the next request.
func (s *soak) steady(t *testing.T) (f figures) {
	t.Helper()
	same, least := 0, s.figure(t, "workers")*len(s.env.Nodes())
	servers.Until(t, soakPatience, "figures that stay", func() error {
		last := f
		if f = s.look(t); f != last || f.connections < least {
			same = 0
		}
		if same++; same < soakCalm {
			return fmt.Errorf("%v", f)
		}
		return nil
	})
	return f
}

// back waits until no figure is greater than before.
func (s *soak) back(t *testing.T, before figures) {
	t.Helper()
	servers.Until(t, soakPatience, "figures that are as before", func() error {
		if f := s.look(t); !f.within(before) {
			return fmt.Errorf("%v", f)
		}
		return nil
	})
}

func (s *soak) look(t *testing.T) figures {
	t.Helper()
	f := figures{goroutines: s.figure(t, "goroutines"), connections: s.figure(t, "upstream_connections")}
	var err error
	if f.descriptors, err = servers.Descriptors(s.gate.Pid); err != nil {
		t.Fatal(err)
	}
	for _, n := range s.env.Nodes() {
		role, _, err := n.Role()
		if err != nil {
			t.Fatal(err)
		}
		if got := connectionsOf(n, aclUser); role == "master" {
			f.toPrimary += got
		} else {
			f.toReplicas += got
		}
	}
	return f
}

// connectionsOf counts the connections of a user to a server; none if it does not answer.
func connectionsOf(n *servers.Node, user string) int {
	list, err := n.Do("CLIENT", "LIST")
	if err != nil {
		return 0
	}
	return strings.Count(fmt.Sprint(list), " user="+user+" ")
}

// memory returns the live bytes of the gateway's heap, and its resident memory in bytes.
func (s *soak) memory(t *testing.T) (live, resident int64) {
	t.Helper()
	resident, err := servers.ResidentBytes(s.gate.Pid)
	if err != nil {
		t.Fatal(err)
	}
	return int64(s.figure(t, "heap_live_bytes")), resident
}

// figure returns a number from the gateway's own sections of INFO: for others the gateway queries all servers, with
// goroutines that would be counted.
func (s *soak) figure(t *testing.T, name string) int {
	t.Helper()
	text, err := s.asks.Do("INFO", "gateway", "failover")
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(text), "\r\n"+name+":")
	number, _, _ := strings.Cut(after, "\r\n")
	n, err := strconv.Atoi(number)
	if err != nil || !found {
		t.Fatalf("INFO says %q for %s", number, name)
	}
	return n
}

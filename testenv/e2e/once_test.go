package e2e

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"evergate/testenv/servers"
)

// TestCommandsAreExecutedOnce compares what the servers execute with what clients send, with the default settings, also
// while one server after the other is busy for longer than a read waits for it. Only reads that are sent on to another
// server are executed twice, and they are counted.
func TestCommandsAreExecutedOnce(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*testing.T) (*servers.Env, *servers.Gateway){
		"alone": func(t *testing.T) (*servers.Env, *servers.Gateway) {
			env := servers.StartPlain(t, servers.Options{})
			return env, servers.StartGateway(t, "--primary", env.Primary().Addr)
		},
		"replica": func(t *testing.T) (*servers.Env, *servers.Gateway) {
			env := servers.StartPlain(t, servers.Options{Replicas: 1})
			return env, servers.StartGateway(t, "--primary", env.Primary().Addr)
		},
		"cluster": func(t *testing.T) (*servers.Env, *servers.Gateway) {
			env := servers.StartCluster(t, servers.Options{Primaries: 3, Replicas: 1, NodeTimeout: 20 * time.Second})
			return env, servers.StartGateway(t, "--cluster", env.Addrs())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env, gate := start(t)
			executedOnce(t, env, gate)
		})
	}
}

func executedOnce(t *testing.T, env *servers.Env, gate *servers.Gateway) {
	conn := servers.MustDial(t, gate.Addr)
	for i := range senders {
		awaitWrite(t, conn, "SET", fmt.Sprint("k", i), "v")
	}
	busy := []*servers.Node{env.Primary()}
	if replicas := env.Replicas(); len(replicas) > 0 {
		busy = append(busy, replicas[0])
		servers.Until(t, servers.Patience, "a replica that serves reads", func() error {
			for i := range senders {
				expect(t, conn, "$1\r\nv\r\n", "GET", fmt.Sprint("k", i))
			}
			if served(t, replicas[0], "get") == 0 {
				return fmt.Errorf("it has served none")
			}
			return nil
		})
	}
	before, earlier := executed(t, env), rerouted(t, conn)
	s := startSenders(t, gate.Addr)
	for _, n := range busy {
		if _, err := n.Do("DEBUG", "SLEEP", "0.4"); err != nil {
			t.Error(err)
		}
	}
	sent := s.end()
	sent["get"] += rerouted(t, conn) - earlier
	sent["keys"] *= len(env.Groups)
	got := executed(t, env)
	for name := range got {
		got[name] -= before[name]
	}
	if !maps.Equal(got, sent) {
		t.Errorf("the servers executed %v, want %v", got, sent)
	}
	t.Logf("%v, %d of the GETs were sent on", got, rerouted(t, conn)-earlier)
}

// executed counts calls at all servers. A replica executes the writes of its primary, too.
func executed(t *testing.T, env *servers.Env) map[string]int {
	t.Helper()
	calls := map[string]int{}
	for _, g := range env.Groups {
		for _, n := range g.Nodes {
			calls["get"] += served(t, n, "get")
			calls["keys"] += served(t, n, "keys")
		}
		calls["set"] += served(t, g.Primary(), "set")
	}
	return calls
}

// rerouted is how many reads the gateway has sent to another server since one was silent.
func rerouted(t *testing.T, c *servers.Conn) int {
	t.Helper()
	n, err := strconv.Atoi(infoOf(t, c, "failover")["reads_rerouted"])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// sending are clients that send commands until they are told to end.
type sending struct {
	clients sync.WaitGroup
	stop    chan struct{}
	mu      sync.Mutex // guards sent
	sent    map[string]int
}

const senders = 8

// startSenders starts clients of which each always has reads in flight that only the primary may serve: of a key that
// it has just written, or KEYS.
func startSenders(t *testing.T, addr string) *sending {
	s := &sending{stop: make(chan struct{}), sent: map[string]int{}}
	for i := range senders {
		c := servers.MustDial(t, addr)
		own, other := fmt.Sprint("k", i), fmt.Sprint("k", (i+1)%senders)
		round := [][]string{{"SET", own, "v"}, {"GET", own}, {"GET", other}}
		if i == 0 {
			round = [][]string{{"KEYS", "none"}}
		}
		s.clients.Go(func() {
			for !s.ends() {
				if err := s.send(c, round); err != nil {
					t.Errorf("client %d: %v", i, err)
					return
				}
			}
		})
	}
	return s
}

func (s *sending) ends() bool {
	select {
	case <-s.stop:
		return true
	default:
		return false
	}
}

// send sends commands in a pipeline, and takes their replies.
func (s *sending) send(c *servers.Conn, commands [][]string) error {
	var frames []byte
	for _, args := range commands {
		frames = servers.AppendCommand(frames, args...)
	}
	if _, err := c.Write(frames); err != nil {
		return err
	}
	for _, args := range commands {
		if reply, err := c.Frame(); err != nil || reply[0] == '-' {
			return fmt.Errorf("%s: %q, %v", args[0], reply, err)
		}
		s.mu.Lock()
		s.sent[strings.ToLower(args[0])]++
		s.mu.Unlock()
	}
	return nil
}

// end ends the clients, and returns what they have sent.
func (s *sending) end() map[string]int {
	close(s.stop)
	s.clients.Wait()
	return s.sent
}

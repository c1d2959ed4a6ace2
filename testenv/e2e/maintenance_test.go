package e2e

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"evergate/testenv/servers"
)

// asksNotices makes a client that speaks RESP3 and has asked for notifications.
func asksNotices(t *testing.T, addr string, words ...string) *servers.Conn {
	t.Helper()
	conn := servers.MustDial(t, addr)
	if reply, err := conn.Do("HELLO", "3"); err != nil || reply[0] != '%' {
		t.Fatalf("HELLO 3: %.100q, %v", reply, err)
	}
	expect(t, conn, "+OK\r\n", append([]string{"CLIENT", "MAINT_NOTIFICATIONS", "ON"}, words...)...)
	return conn
}

// nextFrame returns the next frame that a client is sent.
func nextFrame(t *testing.T, conn *servers.Conn) string {
	t.Helper()
	frame, err := conn.Frame()
	if err != nil {
		t.Fatal(err)
	}
	return string(frame)
}

// TestFailoversAreNotified: clients of all workers are notified of a failover and of its end, before a request that
// waits gets its reply or soon after, whether they wait or not.
func TestFailoversAreNotified(t *testing.T) {
	t.Parallel()
	env := servers.StartSentinel(t, servers.Options{Replicas: 1, Fast: true})
	gate := servers.StartGateway(t, "--sentinel", env.SentinelAddrs(), "--master-name", "main", "--workers", "2",
		"--hold", "60s")
	waits, idles := asksNotices(t, gate.Addr), asksNotices(t, gate.Addr)
	expect(t, waits, "+OK\r\n", "SET", "k", "v")
	if err := env.Primary().Kill(); err != nil {
		t.Fatal(err)
	}
	if err := waits.Send("SET", "k", "w"); err != nil {
		t.Fatal(err)
	}
	var numbers [2]string
	for i, conn := range []*servers.Conn{waits, idles} {
		frames := []string{nextFrame(t, conn), nextFrame(t, conn)}
		if conn == waits {
			frames = append(frames, nextFrame(t, conn))
		}
		got := strings.Join(frames, "")
		if conn == waits && strings.Count(got, "+OK\r\n") != 1 {
			t.Errorf("the client that waits gets %q", got)
		}
		got = strings.ReplaceAll(got, "+OK\r\n", "")
		words := strings.Split(got, "\r\n")
		if len(words) != 10 || words[2] != "FAILING_OVER" || words[4] != ":60" || words[7] != "FAILED_OVER" {
			t.Fatalf("client %d gets %q", i, got)
		}
		numbers[i] = words[3] + " " + words[8]
	}
	if numbers[0] != numbers[1] || numbers[0] == "" {
		t.Errorf("two clients get other numbers: %q", numbers)
	}
}

// TestDrainAsksToMove: a gateway that ends asks the clients that understand it to move, and serves them until they do.
func TestDrainAsksToMove(t *testing.T) {
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{})
	gate := servers.StartGateway(t, "--primary", env.Primary().Addr, "--moving-endpoint", "other", "--drain-timeout", "1m")
	moves, plain := asksNotices(t, gate.Addr, "moving-endpoint-type", "internal-ip"), servers.MustDial(t, gate.Addr)
	none := asksNotices(t, gate.Addr, "moving-endpoint-type", "none")
	inMulti := servers.MustDial(t, gate.Addr)
	expect(t, plain, "+PONG\r\n", "PING")
	expect(t, inMulti, "+OK\r\n", "MULTI")
	if err := gate.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	port := gate.Addr[strings.LastIndexByte(gate.Addr, ':'):]
	if got := nextFrame(t, moves); !strings.HasPrefix(got, ">4\r\n$6\r\nMOVING\r\n:") ||
		!strings.Contains(got, "\r\n:30\r\n") || !strings.HasSuffix(got, "\r\nother"+port+"\r\n") {
		t.Errorf("%q", got)
	}
	if got := nextFrame(t, none); !strings.HasSuffix(got, "\r\n:30\r\n_\r\n") {
		t.Errorf("%q", got)
	}
	if rest, err := plain.Rest(); err != nil || len(rest) > 0 {
		t.Errorf("a client that did not ask: %q, %v", rest, err)
	}
	servers.Until(t, servers.Patience, "a closed listener", func() error {
		c, err := servers.Dial(gate.Addr)
		if err != nil {
			return nil
		}
		return errors.Join(errors.New("it still accepts"), c.Close())
	})
	expect(t, moves, "+OK\r\n", "SET", "k", "v")
	expect(t, inMulti, "+QUEUED\r\n", "GET", "k")
	expect(t, inMulti, "*1\r\n$1\r\nv\r\n", "EXEC")
	for _, conn := range []*servers.Conn{moves, none} {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
	<-gate.Exited()
	if gate.ExitCode() != 0 {
		t.Errorf("exit code %d: %s", gate.ExitCode(), gate.Log())
	}
}

// TestDrainMovesClusterClients: a cluster client that knows one gateway alone finds the other one while that ends, by
// SMIGRATED and the slots that it then asks for, and sees no error.
func TestDrainMovesClusterClients(t *testing.T) {
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{})
	stays := servers.StartGateway(t, "--primary", env.Primary().Addr, "--facade", "cluster")
	ends := servers.StartGateway(t, "--primary", env.Primary().Addr, "--facade", "cluster",
		"--moving-endpoint", stays.Addr, "--drain-timeout", "1m")
	cluster := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{ends.Addr},
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeEnabled}})
	at := func() string {
		if err := cluster.Incr(t.Context(), "k").Err(); err != nil {
			t.Fatal(err)
		}
		master, err := cluster.MasterForKey(t.Context(), "k")
		if err != nil {
			t.Fatal(err)
		}
		return master.Options().Addr
	}
	if got := at(); got != ends.Addr {
		t.Fatalf("the client is at %s, not at %s", got, ends.Addr)
	}
	if err := ends.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	servers.Until(t, servers.Patience, "the client to move", func() error {
		if got := at(); got != stays.Addr {
			return fmt.Errorf("it is at %s", got)
		}
		return nil
	})
	if err := cluster.Close(); err != nil { // else the gateway waits for idle connections, which have not read the push
		t.Error(err)
	}
	<-ends.Exited()
	if ends.ExitCode() != 0 {
		t.Errorf("exit code %d: %s", ends.ExitCode(), ends.Log())
	}
}

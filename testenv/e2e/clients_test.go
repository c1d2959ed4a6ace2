package e2e

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"evergate/testenv/servers"
)

// numberOf returns the ID of a client for CLIENT LIST and CLIENT UNBLOCK.
func numberOf(t *testing.T, c *servers.Conn) string {
	t.Helper()
	reply, err := c.Do("CLIENT", "ID")
	if err != nil || reply[0] != ':' {
		t.Fatalf("CLIENT ID: %q, %v", reply, err)
	}
	return strings.TrimSpace(string(reply[1:]))
}

// clientsOf returns CLIENT LIST.
func clientsOf(t *testing.T, c *servers.Conn) string {
	t.Helper()
	reply, err := c.Do("CLIENT", "LIST")
	if err != nil {
		t.Fatal(err)
	}
	return string(reply)
}

// blockOn makes a client wait for a list, and returns when the server reports it as blocked.
func blockOn(t *testing.T, c *servers.Conn, server *servers.Node, key string) {
	t.Helper()
	if err := c.Send("BLPOP", key, "0"); err != nil {
		t.Fatal(err)
	}
	servers.Until(t, servers.Patience, "a client that is blocked", func() error {
		text, err := server.Do("CLIENT", "LIST")
		if err == nil && !strings.Contains(fmt.Sprint(text), "flags=b") {
			err = errors.New("there is none")
		}
		return err
	})
}

// TestClientCommandsReachClientsOfAllWorkers has eight clients on four workers, and one that sends commands about all
// of them.
func TestClientCommandsReachClientsOfAllWorkers(t *testing.T) {
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{})
	gate := servers.StartGateway(t, "--primary", env.Primary().Addr, "--workers", "4")
	admin := servers.MustDial(t, gate.Addr)
	awaitWrite(t, admin, "SET", "k", "v")
	var others []*servers.Conn
	for i := range 8 {
		c := servers.MustDial(t, gate.Addr)
		expect(t, c, "+OK\r\n", "CLIENT", "SETNAME", fmt.Sprint("other", i))
		others = append(others, c)
	}
	list := clientsOf(t, admin)
	for i := range others {
		if !strings.Contains(list, fmt.Sprintf(" name=other%d ", i)) {
			t.Errorf("other%d is not in %s", i, list)
		}
	}

	// While writes are paused no client writes; any client can unpause all.
	expect(t, admin, "+OK\r\n", "CLIENT", "PAUSE", "600000", "WRITE")
	for _, c := range others {
		if err := c.Send("INCR", "n"); err != nil {
			t.Fatal(err)
		}
	}
	servers.Until(t, servers.Patience, "clients that wait for the end of the pause", func() error {
		if n := strings.Count(clientsOf(t, admin), "flags=b "); n != len(others) {
			return fmt.Errorf("%d of %d", n, len(others))
		}
		return nil
	})
	expect(t, admin, "$-1\r\n", "GET", "n")
	expect(t, admin, "+OK\r\n", "CLIENT", "UNPAUSE")
	for _, c := range others {
		if reply, err := c.Frame(); err != nil || reply[0] != ':' {
			t.Errorf("INCR after the pause: %q, %v", reply, err)
		}
	}

	expect(t, admin, ":1\r\n", "CLIENT", "KILL", "ID", numberOf(t, others[0]))
	expect(t, admin, ":7\r\n", "CLIENT", "KILL", "TYPE", "normal")
	for i, c := range others {
		if reply, err := c.Do("PING"); err == nil {
			t.Errorf("other%d was killed, and is told %q", i, reply)
		}
	}
	expect(t, admin, "$1\r\n8\r\n", "GET", "n")
}

// TestClientUnblock: an element that is pushed while a client is unblocked is not lost, and other clients are
// unaffected.
func TestClientUnblock(t *testing.T) {
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{})
	gate := servers.StartGateway(t, "--primary", env.Primary().Addr, "--workers", "2")
	admin, blocked := servers.MustDial(t, gate.Addr), servers.MustDial(t, gate.Addr)
	awaitWrite(t, admin, "SET", "k", "v")
	number := numberOf(t, blocked)
	expect(t, admin, ":0\r\n", "CLIENT", "UNBLOCK", number)
	blockOn(t, blocked, env.Primary(), "q")
	expect(t, admin, ":1\r\n", "CLIENT", "UNBLOCK", number)
	if reply, err := blocked.Frame(); err != nil || string(reply) != "*-1\r\n" {
		t.Errorf("unblocked: %q, %v", reply, err)
	}
	blockOn(t, blocked, env.Primary(), "q")
	expect(t, admin, ":1\r\n", "CLIENT", "UNBLOCK", number, "ERROR")
	if reply, err := blocked.Frame(); err != nil || !strings.HasPrefix(string(reply), "-UNBLOCKED client unblocked") {
		t.Errorf("unblocked with an error: %q, %v", reply, err)
	}
	expect(t, admin, ":1\r\n", "RPUSH", "q", "x")
	expect(t, blocked, "*2\r\n$1\r\nq\r\n$1\r\nx\r\n", "BLPOP", "q", "0")
}

// TestClientUnblockWithoutRights: the server denies CLIENT UNBLOCK, so the gateway closes the connection, and the
// server forgets the blocked client.
func TestClientUnblockWithoutRights(t *testing.T) {
	t.Parallel()
	version := ownVersion(t)
	if !version.AtLeast(7, 0) {
		t.Skip("Redis 6.2 has no rights to subcommands that could be taken away")
	}
	env := startWithRights(t, servers.StartPlain, "user "+aclUser+" on >"+aclPassword+" ~* &* +@all -client|unblock",
		servers.Options{})
	gate := startAsUser(t, "--primary", env.Primary().Addr)
	admin, blocked := servers.MustDial(t, gate.Addr), servers.MustDial(t, gate.Addr)
	awaitWrite(t, admin, "SET", "k", "v")
	number := numberOf(t, blocked)
	blockOn(t, blocked, env.Primary(), "q")
	expect(t, admin, ":1\r\n", "CLIENT", "UNBLOCK", number)
	if reply, err := blocked.Frame(); err != nil || string(reply) != "*-1\r\n" {
		t.Errorf("unblocked: %q, %v", reply, err)
	}
	expect(t, admin, ":1\r\n", "RPUSH", "q", "x")
	expect(t, admin, "$1\r\nx\r\n", "LPOP", "q")
}

// TestClientReplyOff sends writes without replies, as bulk loads do.
func TestClientReplyOff(t *testing.T) {
	t.Parallel()
	env := servers.StartCluster(t, servers.Options{Primaries: 3})
	gate := servers.StartGateway(t, "--cluster", env.Addrs())
	c := servers.MustDial(t, gate.Addr)
	awaitWrite(t, c, "SET", "k", "v")
	if err := c.Send("CLIENT", "REPLY", "OFF"); err != nil {
		t.Fatal(err)
	}
	for i := range 300 {
		if err := c.Send("SET", fmt.Sprint("k", i), strings.Repeat("v", i)); err != nil {
			t.Fatal(err)
		}
	}
	expect(t, c, "+OK\r\n", "CLIENT", "REPLY", "ON")
	expect(t, c, "$3\r\nvvv\r\n", "GET", "k3")
	expect(t, c, ":300\r\n", append([]string{"EXISTS"}, names("k", 300)...)...)
}

func names(prefix string, n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprint(prefix, i))
	}
	return all
}

// TestClientsFallBackWithoutTracking: go-redis probes features that the gateway lacks, which does not count as
// rejected.
func TestClientsFallBackWithoutTracking(t *testing.T) {
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{})
	gate := servers.StartGateway(t, "--primary", env.Primary().Addr)
	client := redis.NewClient(&redis.Options{Addr: gate.Addr, Protocol: 3})
	defer client.Close()
	ctx := context.Background()
	servers.Until(t, servers.Patience, "a write", func() error { return client.Set(ctx, "k", "v", 0).Err() })
	rejected := regexp.MustCompile(`\nrequests_rejected:(\d+)\r\n`)
	text := client.Info(ctx, "gateway").Val()
	before := rejected.FindString(text)
	for range 3 {
		other := redis.NewClient(&redis.Options{Addr: gate.Addr, Protocol: 3})
		if err := other.Get(ctx, "k").Err(); err != nil {
			t.Error(err)
		}
		if err := other.Do(ctx, "CLIENT", "TRACKING", "ON").Err(); err == nil {
			t.Error("CLIENT TRACKING is answered as if it were done")
		}
		_ = other.Close()
	}
	if after := rejected.FindString(client.Info(ctx, "gateway").Val()); before == "" || after != before {
		t.Errorf("requests_rejected was %q, is %q", before, after)
	}
}

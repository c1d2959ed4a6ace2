package e2e

import (
	"fmt"
	"strings"
	"testing"

	"evergate/testenv/servers"
)

// TestAcks has replicas confirm writes: with the replica there, frozen, and gone.
func TestAcks(t *testing.T) {
	t.Parallel()
	env := servers.StartSentinel(t, servers.Options{Replicas: 1, Fast: true})
	gateway := servers.StartGateway(t, "--sentinel", env.SentinelAddrs(), "--master-name", "main", "--acks", "1",
		"--acks-timeout", "200ms", "--hold", "100ms")
	conn, other := servers.MustDial(t, gateway.Addr), servers.MustDial(t, gateway.Addr)
	replica := env.Groups[0].Nodes[1]
	reply := func(prefix string, args ...string) error {
		if got, err := conn.Do(args...); err != nil || !strings.HasPrefix(string(got), prefix) {
			return fmt.Errorf("%q, %v", got, err)
		}
		return nil
	}
	servers.Until(t, servers.Patience, "the replica to be attached", func() error {
		return reply("+OK\r\n", "SET", "k", "v")
	})
	expect(t, conn, ":1\r\n", "INCR", "n")
	expect(t, conn, ":1\r\n", "WAIT", "1", "0")

	// A pop that another client's push serves is confirmed as well.
	popped := make(chan error, 1)
	go func() { popped <- reply("*2\r\n", "BLPOP", "l", "0") }()
	servers.Until(t, servers.Patience, "a blocked client", func() error {
		if text, err := other.Do("INFO", "clients"); err != nil || !strings.Contains(string(text), "blocked_clients:1\r\n") {
			return fmt.Errorf("%s, %v", text, err)
		}
		return nil
	})
	expect(t, other, ":1\r\n", "LPUSH", "l", "x")
	if err := <-popped; err != nil {
		t.Errorf("BLPOP: %v", err)
	}

	// It is frozen: the write is uncertain and visible, then the gateway notices.
	if err := replica.Freeze(); err != nil {
		t.Fatal(err)
	}
	if err := reply("-UNCERTAIN evergate: ", "SET", "k", "w"); err != nil {
		t.Errorf("SET: %v", err)
	}
	expect(t, other, "$1\r\nw\r\n", "GET", "k")
	servers.Until(t, servers.Patience, "the frozen replica not to count", func() error {
		return reply("-NOREPLICAS evergate: ", "SET", "k", "w")
	})
	if err := reply("-NOREPLICAS evergate: ", "SET", "k", "x"); err != nil {
		t.Errorf("SET: %v", err)
	}
	expect(t, other, "$1\r\nw\r\n", "GET", "k")
	if err := replica.Thaw(); err != nil {
		t.Fatal(err)
	}
	servers.Until(t, servers.Patience, "the replica to count again", func() error {
		return reply("+OK\r\n", "SET", "k", "y")
	})

	// It is gone: nothing is written. A client that asks for no replica writes.
	if err := replica.Kill(); err != nil {
		t.Fatal(err)
	}
	servers.Until(t, servers.Patience, "the replica to be missed", func() error {
		return reply("-NOREPLICAS evergate: ", "SET", "k", "z")
	})
	expect(t, other, "+OK\r\n", "PROXY", "ACKS", "0")
	expect(t, other, "+OK\r\n", "SET", "k", "u")
	expect(t, conn, "$1\r\nu\r\n", "GET", "k")
}

package e2e

import (
	"fmt"
	"testing"
	"time"

	"evergate/testenv/servers"
)

// TestDatabasesAreKeptApart has one client that changes databases, and checks on the server itself that its keys are in
// the right ones; other clients find them there, too, and after a failover.
func TestDatabasesAreKeptApart(t *testing.T) {
	t.Parallel()
	env := servers.StartSentinel(t, servers.Options{Replicas: 2, Fast: true})
	gate := servers.StartGateway(t, "--sentinel", env.SentinelAddrs(), "--master-name", "main")
	conn := servers.MustDial(t, gate.Addr)
	conn.Timeout = 30 * time.Second
	expect(t, conn, "+OK\r\n", "SET", "k", "zero")
	expect(t, conn, "+OK\r\n", "SELECT", "3")
	expect(t, conn, "$-1\r\n", "GET", "k")
	expect(t, conn, "+OK\r\n", "SET", "k", "three")
	expect(t, conn, ":1\r\n", "COPY", "k", "copied", "DB", "5")
	expect(t, conn, ":1\r\n", "MOVE", "k", "7")
	expect(t, conn, "-ERR DB index is out of range\r\n", "SELECT", "16")
	expect(t, conn, ":0\r\n", "DBSIZE")
	direct := servers.MustDial(t, env.Primary().Addr)
	for db, key := range map[string]string{"5": "copied", "7": "k"} {
		expect(t, direct, "+OK\r\n", "SELECT", db)
		expect(t, direct, "$5\r\nthree\r\n", "GET", key)
	}
	other := servers.MustDial(t, gate.Addr)
	other.Timeout = 30 * time.Second
	expect(t, other, "$4\r\nzero\r\n", "GET", "k")
	expect(t, other, "+OK\r\n", "SELECT", "7")
	expect(t, other, "$5\r\nthree\r\n", "GET", "k")
	expect(t, other, "+OK\r\n", "MULTI")
	expect(t, other, "+QUEUED\r\n", "SET", "k", "seven")
	expect(t, other, "*1\r\n+OK\r\n", "EXEC")

	if err := env.Groups[0].AwaitOffsets(servers.Patience); err != nil {
		t.Fatal(err)
	}
	if err := env.Primary().Kill(); err != nil {
		t.Fatal(err)
	}
	awaitWrite(t, other, "SET", "after", "1")
	expect(t, other, "$5\r\nseven\r\n", "GET", "k")
	expect(t, conn, "$-1\r\n", "GET", "after") // in database 3
	expect(t, conn, "+RESET\r\n", "RESET")
	expect(t, conn, "$4\r\nzero\r\n", "GET", "k")
}

// TestDatabasesOfACluster: Redis has one in a cluster, Valkey since 9.0 as many as are configured. A key is in its
// database on the node that serves its slot, and moves with the slot.
func TestDatabasesOfACluster(t *testing.T) {
	t.Parallel()
	version := ownVersion(t)
	options := servers.Options{Primaries: 3}
	if several := version.Valkey && version.Major >= 9; several {
		options.Config = []string{"cluster-databases 4"}
	} else {
		conn := servers.MustDial(t, servers.StartGateway(t, "--cluster", servers.StartCluster(t,
			options).Nodes()[0].Addr).Addr)
		expect(t, conn, "+OK\r\n", "SELECT", "0")
		expect(t, conn, "-ERR SELECT is not allowed in cluster mode\r\n", "SELECT", "1")
		return
	}
	env := servers.StartCluster(t, options)
	gate := servers.StartGateway(t, "--cluster", env.Nodes()[0].Addr)
	conn := servers.MustDial(t, gate.Addr)
	conn.Timeout = 30 * time.Second
	expect(t, conn, "-ERR DB index is out of range\r\n", "SELECT", "4")
	expect(t, conn, "+OK\r\n", "SELECT", "3")
	for _, key := range []string{"a", "b", "c"} { // a shard each
		expect(t, conn, "+OK\r\n", "SET", key, "three")
	}
	expect(t, conn, ":3\r\n", "DBSIZE")
	expect(t, conn, ":1\r\n", "COPY", "a", "{a}copied", "DB", "2")
	expect(t, conn, "*3\r\n$5\r\nthree\r\n$5\r\nthree\r\n$5\r\nthree\r\n", "MGET", "a", "b", "c")
	expect(t, conn, "+OK\r\n", "MULTI")
	expect(t, conn, "+QUEUED\r\n", "APPEND", "a", "!")
	expect(t, conn, "*1\r\n:6\r\n", "EXEC")
	other := servers.MustDial(t, gate.Addr)
	other.Timeout = 30 * time.Second
	expect(t, other, ":0\r\n", "DBSIZE")
	expect(t, other, "$-1\r\n", "GET", "a")
	expect(t, other, "+OK\r\n", "SELECT", "2")
	expect(t, other, "$5\r\nthree\r\n", "GET", "{a}copied")

	const slot = 15495 // of the key "a"
	to := env.Groups[0].Primary()
	if err := env.BeginMove(slot, slot, env.SlotOwner(slot), to); err != nil {
		t.Fatal(err)
	}
	servers.Until(t, servers.Patience, "a slot that moves", func() error {
		if owner := env.SlotOwner(slot); owner != to {
			return fmt.Errorf("it is served by %v", owner)
		}
		return nil
	})
	expect(t, conn, "$6\r\nthree!\r\n", "GET", "a")
	expect(t, other, "$5\r\nthree\r\n", "GET", "{a}copied")
}

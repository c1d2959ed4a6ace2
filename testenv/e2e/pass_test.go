package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"evergate/testenv/servers"
)

// Where the servers know the users (--upstream-auth pass), clients are answered as by a server itself.

// passServers starts servers with the users of userLines, of whom the gateway's own is admin.
func passServers(t *testing.T, start func(servers.T, servers.Options) *servers.Env, o servers.Options,
	lines ...string) *servers.Env {
	t.Helper()
	o.ACL = append(strings.Split(strings.TrimSpace(userLines), "\n"), lines...)
	o.User, o.UserPassword = "admin", "of-the-admin"
	return start(t, o)
}

// passGate starts a gateway in front of them.
func passGate(t *testing.T, args ...string) *servers.Gateway {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("of-the-admin\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return servers.StartGateway(t, append(args, "--upstream-auth", "pass", "--upstream-user", "admin",
		"--upstream-password-file", file)...)
}

// denied sends a command that the user of a client has no right to.
func denied(t *testing.T, c *servers.Conn, args ...string) {
	t.Helper()
	if reply, err := c.Do(args...); err != nil || !strings.HasPrefix(string(reply), "-NOPERM") {
		t.Errorf("%s: got %.200q, %v, want NOPERM", brief(args), reply, err)
	}
}

// passDiffers are the commands whose answers differ, by the first words of their script: within MULTI the servers
// decide at EXEC, some commands are answered by the gateway, and it rejects some whatever the servers say.
var passDiffers = map[string][]string{
	"PING":             {"MULTI", "AUTH app wrong", "AUTH app app1", "GET x", "GET app:1"},
	"AUTH app app2":    {"MONITOR", "SHUTDOWN", "DEBUG SLEEP 0", "REPLICAOF NO ONE"},
	"AUTH app app1":    {"SET x v", "EXEC", "FLUSHALL", "GET x", "CONFIG SET maxmemory 1", "PUBLISH x m"},
	"AUTH parts parts": {"SELECT 1", "SELECT 0", "UNWATCH", "PING", "EXEC"},
	"AUTH none none":   {"PING", "MULTI", "EXEC", "DISCARD", "GET a"},
}

func TestServersDecideWhatTheirUsersMayDo(t *testing.T) {
	t.Parallel()
	behind := passServers(t, servers.StartPlain, servers.Options{})
	twin := passServers(t, servers.StartPlain, servers.Options{})
	gate := passGate(t, "--primary", behind.Nodes()[0].Addr)
	for _, script := range userScripts {
		compareWithTwin(t, gate, twin, script, func(line, got, want string) bool {
			return got == want || slices.Contains(passDiffers[script[0]], line)
		})
	}
}

func TestServersDecideAboutScriptsAndAdministration(t *testing.T) {
	t.Parallel()
	behind := passServers(t, servers.StartPlain, servers.Options{}, "user writer on >w ~w:* &w +@all -@dangerous +config",
		"user reader on >r ~* +@all -@write -config")
	gate := passGate(t, "--primary", behind.Nodes()[0].Addr)
	writer, reader := servers.MustDial(t, gate.Addr), servers.MustDial(t, gate.Addr)
	expect(t, writer, "-WRONGPASS invalid username-password pair or user is disabled.\r\n", "AUTH", "writer", "no")
	expect(t, writer, "+OK\r\n", "AUTH", "writer", "w")
	expect(t, reader, "+OK\r\n", "AUTH", "reader", "r")
	expect(t, writer, "+OK\r\n", "SET", "w:1", "v")

	script := "return redis.call('SET', ARGV[1], 'x')"
	for _, c := range []struct {
		of   *servers.Conn
		key  string
		want string
	}{{writer, "w:1", "+OK"}, {writer, "other", "-"}, {reader, "w:1", "-"}} {
		reply, err := c.of.Do("EVAL", script, "0", c.key)
		if err != nil || !strings.HasPrefix(string(reply), c.want) {
			t.Errorf("a script that sets %s: %q, %v", c.key, reply, err)
		}
	}

	expect(t, writer, "+OK\r\n", "CONFIG", "SET", "hz", "11")
	denied(t, reader, "CONFIG", "SET", "hz", "12")
	denied(t, reader, "CONFIG", "GET", "hz")
	expect(t, writer, "*2\r\n$2\r\nhz\r\n$2\r\n11\r\n", "CONFIG", "GET", "hz")
	denied(t, writer, "CLIENT", "KILL", "TYPE", "normal")
	denied(t, writer, "CLIENT", "PAUSE", "1")
	denied(t, writer, "CLIENT", "NO-EVICT", "ON")
	denied(t, writer, "INFO")
	expect(t, writer, "$6\r\nwriter\r\n", "ACL", "WHOAMI")
	listener := servers.MustDial(t, gate.Addr)
	if reply, err := listener.Do("HELLO", "3", "AUTH", "writer", "w"); err != nil || reply[0] != '%' {
		t.Errorf("HELLO 3 AUTH: %q, %v", reply, err)
	}
	denied(t, listener, "SUBSCRIBE", "other")
	expect(t, listener, ">3\r\n$9\r\nsubscribe\r\n$1\r\nw\r\n:1\r\n", "SUBSCRIBE", "w")
	expect(t, writer, ":1\r\n", "PUBLISH", "w", "m")
	expect(t, reader, "-ERR syntax error\r\n", "CLIENT", "NO-EVICT", "YES")
	expect(t, reader, "+OK\r\n", "CLIENT", "NO-EVICT", "ON")
	reply, err := reader.Do("CLIENT", "LIST")
	text := string(reply)
	if err != nil || !strings.Contains(text, " user=writer ") || strings.Count(text, " flags=e ") != 1 {
		t.Errorf("CLIENT LIST: %q, %v", reply, err)
	}
}

func TestPasswordThatWasChangedAtTheServers(t *testing.T) {
	t.Parallel()
	behind := passServers(t, servers.StartPlain, servers.Options{}, "user moved on >old ~* &* +@all")
	gate := passGate(t, "--primary", behind.Nodes()[0].Addr)
	client, admin := servers.MustDial(t, gate.Addr), servers.MustDial(t, gate.Addr)
	expect(t, client, "+OK\r\n", "AUTH", "moved", "old")
	expect(t, client, "+OK\r\n", "SET", "k", "v")
	expect(t, admin, "+OK\r\n", "AUTH", "admin", "of-the-admin")
	expect(t, admin, "+OK\r\n", "ACL", "SETUSER", "moved", "<old", ">new")
	expect(t, client, "$1\r\nv\r\n", "GET", "k") // as on a connection that a server has already authenticated
	late := servers.MustDial(t, gate.Addr)
	expect(t, late, "-WRONGPASS invalid username-password pair or user is disabled.\r\n", "AUTH", "moved", "old")
	expect(t, late, "+OK\r\n", "AUTH", "moved", "new")
	if _, err := behind.Nodes()[0].Do("CLIENT", "KILL", "USER", "moved"); err != nil {
		t.Fatal(err)
	}
	expect(t, late, "$1\r\nv\r\n", "GET", "k")
	reply, err := client.Do("GET", "k")
	if err == nil && !strings.HasPrefix(string(reply), "-WRONGPASS") {
		t.Errorf("a client with the old password: %q", reply)
	}
	if _, err := client.Do("GET", "k"); err == nil {
		t.Error("it was not closed")
	}
}

func TestUsersAreKeptApartInAFailover(t *testing.T) {
	t.Parallel()
	var lines []string
	for i := range 4 {
		lines = append(lines, fmt.Sprintf("user u%d on >p%d ~u%d:* &u%d +@all", i, i, i, i))
	}
	env := passServers(t, servers.StartSentinel, servers.Options{Replicas: 2, Fast: true}, lines...)
	gate := passGate(t, "--sentinel", env.SentinelAddrs(), "--master-name", "main", "--reads", "prefer-replica")
	var clients [4]*servers.Conn
	for i := range clients {
		clients[i] = servers.MustDial(t, gate.Addr)
		clients[i].Timeout = servers.Patience
		expect(t, clients[i], "+OK\r\n", "AUTH", fmt.Sprintf("u%d", i), fmt.Sprintf("p%d", i))
		expect(t, clients[i], "+OK\r\n", "SET", fmt.Sprintf("u%d:k", i), fmt.Sprint(i))
	}
	if err := env.Primary().Kill(); err != nil {
		t.Fatal(err)
	}
	for i, c := range clients {
		awaitWrite(t, c, "SET", fmt.Sprintf("u%d:k", i), fmt.Sprint("after ", i))
	}
	for i, c := range clients {
		expect(t, c, fmt.Sprintf("$2\r\nu%d\r\n", i), "ACL", "WHOAMI")
		denied(t, c, "GET", fmt.Sprintf("u%d:k", (i+1)%4))
		denied(t, c, "SUBSCRIBE", fmt.Sprintf("u%d", (i+1)%4))
	}
}

package e2e

import (
	"strings"
	"testing"

	"evergate/testenv/servers"
)

// TestLearntCommandsGoWhereTheirKeysAre: servers have a command with a name that the gateway does not know, as newer
// servers do. Its keys are on the right shard, and keys in several slots are rejected.
func TestLearntCommandsGoWhereTheirKeysAre(t *testing.T) {
	t.Parallel()
	env := servers.StartCluster(t, servers.Options{Primaries: 3, Config: []string{
		"rename-command ZUNIONSTORE newer.zunionstore", "rename-command ZUNION newer.zunion",
		"rename-command INCR newer.incr", "rename-command OBJECT newer.object", "rename-command FLUSHALL newer.flushall",
	}})
	conn := servers.MustDial(t, servers.StartGateway(t, "--cluster", env.Nodes()[0].Addr).Addr)
	for _, tag := range []string{"{a}", "{b}", "{c}", "{d}", "{foo}", "{bar}"} { // all three shards
		expect(t, conn, ":1\r\n", "ZADD", tag+"x", "1", "m")
		expect(t, conn, "*1\r\n$1\r\nm\r\n", "newer.zunion", "2", tag+"x", tag+"y")
		expect(t, conn, ":1\r\n", "NEWER.ZUNIONSTORE", tag+"z", "2", tag+"x", tag+"y")
		expect(t, conn, ":1\r\n", "ZCARD", tag+"z")
		expect(t, conn, ":1\r\n", "newer.incr", tag+"n")
		expect(t, conn, "$1\r\n1\r\n", "GET", tag+"n")
		expect(t, conn, "$3\r\nint\r\n", "newer.object", "ENCODING", tag+"n")
	}
	for _, line := range []string{"newer.zunion 2 a b", "newer.zunionstore a 1 b"} {
		expect(t, conn, "-CROSSSLOT Keys in request don't hash to the same slot\r\n", strings.Fields(line)...)
	}
	for _, line := range []string{"newer.zunion 3 a b", "newer.zunion x a"} {
		reply, err := conn.Do(strings.Fields(line)...)
		if err != nil || !strings.HasPrefix(string(reply), "-ERR") {
			t.Errorf("%s: %q, %v", line, reply, err)
		}
	}
	expect(t, conn, "-ERR 'newer.flushall' is not allowed through the gateway: it is reserved for the "+
		"administrators of the servers\r\n",
		"newer.flushall")
	expect(t, conn, ":18\r\n", "DBSIZE")
}

// TestNewerCommandsLieWhereTheirKeysAre runs each newer command of the server on three shards, and then checks the keys
// of every node, since a server may execute a command that belongs elsewhere.
func TestNewerCommandsLieWhereTheirKeysAre(t *testing.T) {
	t.Parallel()
	env := servers.StartCluster(t, servers.Options{Primaries: 3})
	conn := servers.MustDial(t, servers.StartGateway(t, "--cluster", env.Nodes()[0].Addr).Addr)
	lines := []struct{ line, want string }{
		{"MSETEX 2 {T}a 1 {T}b 2 EX 100", ":1\r\n"},
		{"MSETEX 2 {T}a 1 {T}b 2 NX", ":0\r\n"},
		{"DIGEST {T}a", "$16\r\n"},
		{"DELIFEQ {T}b 2", ":1\r\n"},
		{"DELEX {T}b IFEQ 2", ":"},
		{"HSETEX {T}h EX 100 FIELDS 1 f v", ":1\r\n"},
		{"HGETEX {T}h PERSIST FIELDS 1 f", "*1\r\n$1\r\nv\r\n"},
		{"HGETDEL {T}h FIELDS 1 f", "*1\r\n$1\r\nv\r\n"},
		{"VADD {T}v VALUES 2 1 1 e", ":1\r\n"},
		{"VSIM {T}v ELE e", "*1\r\n$1\r\ne\r\n"},
		{"XADD {T}s 1-1 f v", "$3\r\n1-1\r\n"},
		{"XDELEX {T}s IDS 1 1-1", "*1\r\n:1\r\n"},
		{"CLUSTERSCAN 0-{T}-0", "*2\r\n"},
	}
	for _, l := range lines {
		name, _, _ := strings.Cut(l.line, " ")
		if known, _ := env.Nodes()[0].Do("COMMAND", "INFO", name); known.([]any)[0] == nil {
			continue
		}
		for _, tag := range []string{"a", "b", "c", "d", "foo", "bar"} {
			line := strings.ReplaceAll(l.line, "{T}", "{"+tag+"}")
			reply, err := conn.Do(strings.Fields(line)...)
			if err != nil || !strings.HasPrefix(string(reply), l.want) {
				t.Errorf("%s: %q %v, want %q", line, reply, err, l.want)
			}
		}
		if name == "MSETEX" {
			expect(t, conn, "-CROSSSLOT Keys in request don't hash to the same slot\r\n",
				"MSETEX", "2", "foo", "1", "bar", "2")
		}
	}
	checkPlaces(t, env)
}

// checkPlaces returns which keys lie on a primary that does not serve their slot.
func checkPlaces(t *testing.T, env *servers.Env) {
	for _, g := range env.Groups {
		node := g.Primary()
		keys, err := node.Do("KEYS", "*")
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range keys.([]any) {
			if _, err := node.Do("TYPE", key); err != nil { // a server that serves the slot replies without an error
				t.Errorf("%s: the key %q lies here: %v", node.Addr, key, err)
			}
		}
	}
}

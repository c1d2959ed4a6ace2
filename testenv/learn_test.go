package testenv

import (
	"strings"
	"testing"
)

// TestLearntCommandsGoWhereTheirKeysAre: servers have a command under a name that the gateway does not know, as a newer
// server has commands. What is written lies where its key belongs, and keys in several slots are refused.
func TestLearntCommandsGoWhereTheirKeysAre(t *testing.T) {
	t.Parallel()
	env := StartCluster(t, Options{Primaries: 3, Config: []string{
		"rename-command ZUNIONSTORE newer.zunionstore", "rename-command ZUNION newer.zunion",
		"rename-command INCR newer.incr", "rename-command OBJECT newer.object", "rename-command FLUSHALL newer.flushall",
	}})
	conn := MustDial(t, StartGateway(t, "--cluster", env.Nodes()[0].Addr).Addr)
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
	expect(t, conn, "-ERR 'newer.flushall' is not allowed through the gateway: it is for those who run the servers\r\n",
		"newer.flushall")
	expect(t, conn, ":18\r\n", "DBSIZE")
}

package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"evergate/testenv/servers"
)

// poison has commands that change the state of a connection, and must never reach a shared one. One client sends each
// of these while others go on, before and after.
var poison = []string{
	"*0\r\n",
	"*-1\r\n",
	"\r\n",
	"\r\n\r\n*0\r\n\n",
	string(servers.AppendCommand(nil, "REPLCONF", "listening-port", "1")),
	string(servers.AppendCommand(nil, "REPLCONF", "ACK", "1")), // a server gives no reply to it
	string(servers.AppendCommand(nil, "SYNC")),
	string(servers.AppendCommand(nil, "PSYNC", "?", "-1")),
	string(servers.AppendCommand(nil, "MONITOR")),
	string(servers.AppendCommand(nil, "SELECT", "1")),
	string(servers.AppendCommand(nil, "CLIENT", "REPLY", "OFF")),
	string(servers.AppendCommand(nil, "CLIENT", "REPLY", "SKIP")),
	string(servers.AppendCommand(nil, "CLIENT", "TRACKING", "ON")),
	string(servers.AppendCommand(nil, "CLIENT", "NO-EVICT", "ON")),
	string(servers.AppendCommand(nil, "CLIENT", "CACHING", "YES")),
	string(servers.AppendCommand(nil, "SUBSCRIBE", "channel")),
	string(servers.AppendCommand(nil, "PSUBSCRIBE", "*")),
	string(servers.AppendCommand(nil, "SSUBSCRIBE", "channel")),
	string(servers.AppendCommand(nil, "UNSUBSCRIBE")),
	string(servers.AppendCommand(nil, "MULTI")),
	string(servers.AppendCommand(servers.AppendCommand(nil, "MULTI"), "SUBSCRIBE", "channel")),
	string(servers.AppendCommand(servers.AppendCommand(nil, "MULTI"), "CLIENT", "REPLY", "OFF")),
	string(servers.AppendCommand(nil, "WATCH", "k")),
	string(servers.AppendCommand(nil, "BLPOP", "none", "0")),
	string(servers.AppendCommand(nil, "BRPOPLPUSH", "none", "other", "0")),
	string(servers.AppendCommand(nil, "XREAD", "BLOCK", "0", "STREAMS", "none", "$")),
	string(servers.AppendCommand(nil, "WAIT", "9", "0")),
	string(servers.AppendCommand(nil, "ASKING")),
	string(servers.AppendCommand(nil, "READONLY")),
	string(servers.AppendCommand(nil, "READWRITE")),
	string(servers.AppendCommand(nil, "SHUTDOWN", "NOSAVE")),
	string(servers.AppendCommand(nil, "DEBUG", "SLEEP", "100")),
	string(servers.AppendCommand(nil, "FAILOVER")),
	string(servers.AppendCommand(nil, "REPLICAOF", "127.0.0.1", "1")),
}

func TestNothingPoisonsSharedConnections(t *testing.T) {
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{})
	gate := servers.StartGateway(t, "--primary", env.Primary().Addr, "--workers", "1")
	neighbour := servers.MustDial(t, gate.Addr)
	for i, input := range poison {
		bad := servers.MustDial(t, gate.Addr)
		if err := bad.SendRaw([]byte(input)); err != nil {
			t.Fatal(err)
		}
		// The reply to the bad client does not matter; the neighbour must get its own.
		key := fmt.Sprintf("key%d", i)
		for range 3 {
			expect(t, neighbour, "+OK\r\n", "SET", key, input)
			expect(t, neighbour, fmt.Sprintf("$%d\r\n%s\r\n", len(input), input), "GET", key)
		}
		fresh := servers.MustDial(t, gate.Addr)
		expect(t, fresh, fmt.Sprintf("$%d\r\n%s\r\n", len(input), input), "GET", key)
		if t.Failed() {
			t.Fatalf("after %.80q", input)
		}
		_ = fresh.Close()
		_ = bad.Close()
	}
}

// TestEmptyFramesAreNotCounted sends frames without arguments among others: they get no reply, and the others get
// theirs.
func TestEmptyFramesAreNotCounted(t *testing.T) {
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{})
	gate := servers.StartGateway(t, "--primary", env.Primary().Addr)
	conn := servers.MustDial(t, gate.Addr)
	var input, want strings.Builder
	for i := range 100 {
		input.Write(servers.AppendCommand([]byte("*0\r\n\r\n*-1\r\n"), "INCR", "n"))
		fmt.Fprintf(&want, ":%d\r\n", i+1)
	}
	if err := conn.SendRaw([]byte(input.String())); err != nil {
		t.Fatal(err)
	}
	if got, err := conn.Frames(100); err != nil || string(got) != want.String() {
		t.Errorf("%q, %v", got, err)
	}
}

func TestUnixSocketListens(t *testing.T) {
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{})
	addr := "unix:" + filepath.Join(env.Dir(), "gate.sock")
	gate := servers.StartGateway(t, "--primary", env.Primary().Addr, "--listen", addr)
	conn := servers.MustDial(t, gate.Addr)
	expect(t, conn, "+OK\r\n", "SET", "k", "v")
	expect(t, conn, "$1\r\nv\r\n", "GET", "k")
}

package e2e

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"evergate/testenv/servers"
)

// TestTunnel receives a snapshot through the gateway as `redis-cli --rdb` does, and the writes after it; the tunnel
// ends with the primary.
func TestTunnel(t *testing.T) {
	t.Parallel()
	env := servers.StartSentinel(t, servers.Options{Replicas: 1, Fast: true})
	gate := servers.StartGateway(t, "--sentinel", env.SentinelAddrs(), "--master-name", "main",
		"--allow", "sync,psync,replconf")
	conn, replica := servers.MustDial(t, gate.Addr), servers.MustDial(t, gate.Addr)
	awaitWrite(t, conn, "SET", "k", "v")
	value := strings.Repeat("0123456789abcdef", 1<<16)
	for i := range 16 {
		expect(t, conn, "+OK\r\n", "SET", fmt.Sprint("big:", i), value[i:])
	}
	expect(t, replica, "+OK\r\n", "REPLCONF", "listening-port", "0")
	if err := replica.Send("SYNC"); err != nil {
		t.Fatal(err)
	}
	size := snapshotSize(t, replica)
	snapshot := make([]byte, size)
	if _, err := io.ReadFull(replica.Reader(), snapshot); err != nil || !isSnapshot(snapshot) {
		t.Fatalf("%d bytes of a snapshot: %v", size, err)
	}
	expect(t, conn, "+OK\r\n", "SET", "later", "1")
	for reply := ""; !strings.Contains(reply, "later"); {
		frame, err := replica.Frame()
		if err != nil {
			t.Fatal(err)
		}
		reply = string(frame)
	}
	if err := env.Primary().Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := replica.Rest(); err != nil {
		t.Errorf("the tunnel did not end with the primary: %v", err)
	}
	awaitWrite(t, conn, "SET", "k", "v2")
}

// snapshotSize reads "$SIZE"; newlines precede it while the server makes the snapshot.
func snapshotSize(t *testing.T, conn *servers.Conn) (size int) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	for {
		line, err := conn.Reader().ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if n, _ := fmt.Sscanf(line, "$%d", &size); n == 1 {
			return size
		}
	}
}

// isSnapshot reports whether b begins an RDB file: since version 9 Valkey has a format of its own.
func isSnapshot(b []byte) bool {
	return bytes.HasPrefix(b, []byte("REDIS")) || bytes.HasPrefix(b, []byte("VALKEY"))
}

package e2e

import (
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"evergate/testenv/servers"
)

// infoOf returns the fields of sections of the gateway's INFO, by key.
func infoOf(t *testing.T, c *servers.Conn, sections ...string) map[string]string {
	t.Helper()
	reply, err := c.Do(append([]string{"INFO"}, sections...)...)
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string]string{}
	for line := range strings.Lines(string(reply)) {
		if key, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":"); ok {
			fields[key] = value
		}
	}
	return fields
}

// TestInfoOfACluster: keys, hits and commands are those of all servers, including the latest writes.
func TestInfoOfACluster(t *testing.T) {
	t.Parallel()
	env := servers.StartCluster(t, servers.Options{Primaries: 3, Replicas: 1})
	gate := servers.StartGateway(t, "--cluster", env.Addrs(), "--reads", "prefer-replica")
	conn := servers.MustDial(t, gate.Addr)
	awaitWrite(t, conn, "SET", "k0", "v")
	expect(t, conn, "+OK\r\n", "CONFIG", "RESETSTAT")
	for i := range 100 {
		expect(t, conn, "+OK\r\n", "SET", fmt.Sprint("k", i), "v", "EX", "1000")
		got := infoOf(t, conn, "keyspace")["db0"]
		if !strings.HasPrefix(got, fmt.Sprintf("keys=%d,expires=%d,", i+1, i+1)) {
			t.Fatalf("after %d keys: %q", i+1, got)
		}
	}
	servers.Until(t, servers.Patience, "hits that are counted where they were", func() error {
		for i := range 100 {
			if _, err := conn.Do("GET", fmt.Sprint("k", i)); err != nil {
				return err
			}
		}
		primaries := 0
		for _, g := range env.Groups {
			text, _ := g.Primary().Do("INFO", "stats")
			n := regexp.MustCompile(`keyspace_hits:(\d+)`).FindStringSubmatch(fmt.Sprint(text))
			hits, _ := strconv.Atoi(n[1])
			primaries += hits
		}
		all, _ := strconv.Atoi(infoOf(t, conn, "stats")["keyspace_hits"])
		if all < 100 || all <= primaries {
			return fmt.Errorf("%d hits, %d of them on primaries", all, primaries)
		}
		return nil
	})
	all := infoOf(t, conn, "all")
	for key, want := range map[string]string{
		"redis_mode": "standalone", "role": "master", "connected_slaves": "0", "cluster_enabled": "0", "loading": "0",
		"maxmemory_policy": "noeviction", "maxmemory_human": "0B",
	} {
		if all[key] != want {
			t.Errorf("%s is %q, want %q", key, all[key], want)
		}
	}
	if !strings.HasPrefix(all["cmdstat_set"], "calls=") || all["used_memory_human"] == "" ||
		all["evergate_missing"] != "" {
		t.Errorf("cmdstat_set %q, used_memory_human %q, missing %q", all["cmdstat_set"], all["used_memory_human"],
			all["evergate_missing"])
	}
	expect(t, conn, "+OK\r\n", "CONFIG", "RESETSTAT")
	if hits := infoOf(t, conn, "stats")["keyspace_hits"]; hits != "0" {
		t.Errorf("%s hits after CONFIG RESETSTAT", hits)
	}
}

// TestInfoDoesNotWaitForADeadServer: a stopped server is named as missing, and the figures of all others are there.
func TestInfoDoesNotWaitForADeadServer(t *testing.T) {
	t.Parallel()
	env := servers.StartSentinel(t, servers.Options{Replicas: 2})
	gate := servers.StartGateway(t, "--sentinel", env.SentinelAddrs(), "--master-name", "main")
	conn := servers.MustDial(t, gate.Addr)
	awaitWrite(t, conn, "SET", "k", "v")
	servers.Until(t, servers.Patience, "two replicas", func() error {
		if text := infoOf(t, conn, "upstream")["shard0"]; !strings.HasSuffix(text, "replicas=2") {
			return fmt.Errorf("%s", text)
		}
		return nil
	})
	frozen := env.Replicas()[0]
	if err := frozen.Freeze(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	fields := infoOf(t, conn)
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	if fields["evergate_missing"] != frozen.Addr+"=timeout" || fields["keyspace_hits"] == "" ||
		!strings.HasPrefix(fields["db0"], "keys=1,") {
		t.Errorf("missing %q, hits %q, db0 %q", fields["evergate_missing"], fields["keyspace_hits"], fields["db0"])
	}
	if err := frozen.Thaw(); err != nil {
		t.Fatal(err)
	}
	if cli, err := exec.LookPath("redis-cli"); err == nil {
		host, port, _ := strings.Cut(gate.Addr, ":")
		out, err := exec.Command(cli, "-h", host, "-p", port, "info", "keyspace").CombinedOutput()
		if err != nil || !strings.HasPrefix(string(out), "# Keyspace\r\ndb0:keys=1,expires=0,avg_ttl=0") {
			t.Errorf("redis-cli: %q, %v", out, err)
		}
	}
}

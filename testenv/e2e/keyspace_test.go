package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"evergate/testenv/servers"
)

// inBothTopologies runs a test with a gateway in front of a primary with Sentinels, and in front of a cluster of three
// shards, with --reads prefer-replica.
func inBothTopologies(t *testing.T, test func(t *testing.T, env *servers.Env, gate *servers.Gateway)) {
	t.Run("sentinel", func(t *testing.T) {
		env := servers.StartSentinel(t, servers.Options{Replicas: 1, Fast: true})
		test(t, env, servers.StartGateway(t, "--sentinel", env.SentinelAddrs(), "--master-name", "main",
			"--reads", "prefer-replica"))
	})
	t.Run("cluster", func(t *testing.T) {
		env := servers.StartCluster(t, servers.Options{Primaries: 3, Replicas: 1})
		test(t, env, servers.StartGateway(t, "--cluster", env.Nodes()[0].Addr, "--reads", "prefer-replica"))
	})
}

// keysOf returns the keys in a reply, sorted: the lines that begin with prefix.
func keysOf(reply []byte, prefix string) (keys []string) {
	for line := range strings.SplitSeq(string(reply), "\r\n") {
		if strings.HasPrefix(line, prefix) {
			keys = append(keys, line)
		}
	}
	slices.Sort(keys)
	return keys
}

// fill sets n keys "k:0" and on, and waits until the replicas have them.
func fill(t *testing.T, env *servers.Env, conn *servers.Conn, n int) (keys []string) {
	t.Helper()
	for i := range n {
		keys = append(keys, fmt.Sprint("k:", i))
		expect(t, conn, "+OK\r\n", "SET", keys[i], "v")
	}
	for _, g := range env.Groups {
		if err := g.AwaitOffsets(servers.Patience); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(keys)
	return keys
}

func TestWhatConcernsAllKeys(t *testing.T) {
	t.Parallel()
	inBothTopologies(t, func(t *testing.T, env *servers.Env, gate *servers.Gateway) {
		conn := servers.MustDial(t, gate.Addr)
		expect(t, conn, "$-1\r\n", "RANDOMKEY")
		keys := fill(t, env, conn, 100)
		expect(t, conn, ":100\r\n", "DBSIZE")
		reply, err := conn.Do("KEYS", "k:*")
		if err != nil || !slices.Equal(keysOf(reply, "k:"), keys) {
			t.Errorf("KEYS: %q, %v", reply, err)
		}
		seen := map[*servers.Node]bool{}
		servers.Until(t, servers.Patience, "a random key of each shard", func() error {
			reply, err := conn.Do("RANDOMKEY")
			if err != nil || len(keysOf(reply, "k:")) != 1 {
				t.Fatalf("RANDOMKEY: %q, %v", reply, err)
			}
			seen[holderOf(env, keysOf(reply, "k:")[0])] = true
			if len(seen) < len(env.Groups) {
				return fmt.Errorf("of %d shards", len(seen))
			}
			return nil
		})
		if reply, err := conn.Do("MEMORY", "USAGE", "k:1"); err != nil || reply[0] != ':' {
			t.Errorf("MEMORY USAGE: %q, %v", reply, err)
		}
		expect(t, conn, "$6\r\nembstr\r\n", "OBJECT", "ENCODING", "k:1")
		expect(t, conn, "+OK\r\n", "FLUSHALL")
		for _, g := range env.Groups {
			if n, err := g.Primary().Do("DBSIZE"); err != nil || n != int64(0) {
				t.Errorf("%s has %v keys after FLUSHALL, %v", g.Primary().Addr, n, err)
			}
		}
	})
}

// holderOf returns the primary that has a key.
func holderOf(env *servers.Env, key string) *servers.Node {
	for _, g := range env.Groups {
		if n, err := g.Primary().Do("EXISTS", key); err == nil && n == int64(1) {
			return g.Primary()
		}
	}
	return nil
}

func TestSaveIsAnsweredWhenAllHaveSaved(t *testing.T) {
	t.Parallel()
	inBothTopologies(t, func(t *testing.T, env *servers.Env, gate *servers.Gateway) {
		conn := servers.MustDial(t, gate.Addr)
		conn.Timeout = 30 * time.Second
		fill(t, env, conn, 30)
		expect(t, conn, "+OK\r\n", "SAVE")
		for _, g := range env.Groups {
			info, err := g.Primary().Do("INFO", "persistence")
			if err != nil || !strings.Contains(info.(string), "rdb_changes_since_last_save:0\r\n") ||
				strings.Contains(info.(string), "rdb_bgsave_in_progress:1") {
				t.Errorf("%s after SAVE: %v, %v", g.Primary().Addr, info, err)
			}
			if n := served(t, g.Primary(), "save"); n != 0 {
				t.Errorf("%s was stopped by a SAVE", g.Primary().Addr)
			}
		}
		if reply, err := conn.Do("LASTSAVE"); err != nil || reply[0] != ':' {
			t.Errorf("LASTSAVE: %q, %v", reply, err)
		}
	})
}

// TestSlowlogOfAllShards: the log is the gateway's, of requests to any server, and follows the servers' settings.
func TestSlowlogOfAllShards(t *testing.T) {
	t.Parallel()
	inBothTopologies(t, func(t *testing.T, env *servers.Env, gate *servers.Gateway) {
		conn := servers.MustDial(t, gate.Addr)
		expect(t, conn, "+OK\r\n", "CONFIG", "SET", "slowlog-log-slower-than", "0")
		fill(t, env, conn, 30)
		reply, err := conn.Do("SLOWLOG", "GET", "7")
		if err != nil || !strings.HasPrefix(string(reply), "*7\r\n*6\r\n") {
			t.Errorf("SLOWLOG GET 7: %q, %v", reply, err)
		}
		expect(t, conn, "+OK\r\n", "CONFIG", "SET", "slowlog-log-slower-than", "-1")
		expect(t, conn, "+OK\r\n", "SLOWLOG", "RESET")
		fill(t, env, conn, 30)
		expect(t, conn, ":0\r\n", "SLOWLOG", "LEN")
	})
}

package watch

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"evergate/topology"
)

var rewrite = flag.Bool("rewrite", false, "write what was parsed beside the captured replies")

// TestCapturedReplies parses replies of Redis 7.0.15, and compares with the .txt beside each. The name of a file begins
// with its command.
func TestCapturedReplies(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no captured replies: %v", err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		t.Run(name, func(t *testing.T) {
			captured := load(t, path)
			got := parsed(name, captured)
			golden := strings.TrimSuffix(path, ".json") + ".txt"
			if *rewrite {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func load(t *testing.T, path string) map[string]any {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var m map[string]any
	if err := d.Decode(&m); err != nil {
		t.Fatal(err)
	}
	return asReply(m).(map[string]any)
}

// asReply converts JSON numbers to the type that go-redis has for integers.
func asReply(v any) any {
	switch v := v.(type) {
	case json.Number:
		n, _ := v.Int64()
		return n
	case []any:
		for i := range v {
			v[i] = asReply(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = asReply(v[key])
		}
	}
	return v
}

func parsed(name string, c map[string]any) string {
	kind, _, _ := strings.Cut(name, "_")
	switch kind {
	case "cluster":
		m := maps{asked: text(c["asked"])}
		if nodes, ok := c["nodes"].(string); ok {
			m.nodes = topology.ClusterNodes(nodes)
		}
		if strings.HasPrefix(name, "cluster_shards") {
			return slotsText(m.shards(c["reply"]))
		}
		return slotsText(m.slots(c["reply"]))
	case "sentinel":
		var addr []string
		list, _ := c["address"].([]any)
		for _, v := range list {
			addr = append(addr, text(v))
		}
		var replicas []map[string]string
		list, _ = c["replicas"].([]any)
		for _, v := range list {
			replicas = append(replicas, texts(v))
		}
		report, err := parseSentinel("s", addr, texts(c["master"]), replicas)
		return fmt.Sprintf("%+v\n%v\n", report, err)
	default:
		byRole := topology.RoleSeen{Addr: "n", Priority: -1}
		ok := parseRole(c["role"], &byRole)
		parseInfo(text(c["replication"]), &byRole, false)
		parseInfo(text(c["server"]), &byRole, false)
		byInfo := topology.RoleSeen{Addr: "n", Priority: -1}
		return fmt.Sprintf("ROLE %v: %+v\nINFO %v: %+v\n", ok, byRole,
			parseInfo(text(c["replication"]), &byInfo, true), byInfo)
	}
}

func TestEviction(t *testing.T) {
	for info, want := range map[string]string{
		"": "",
		"# Memory\r\nused_memory:1\r\nmaxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n": "noeviction",
		"# Memory\r\nmaxmemory:1048576\r\nmaxmemory_policy:allkeys-lru\r\n":            "allkeys-lru",
		"# Memory\r\nmaxmemory_policy:volatile-lfu\r\n":                                "volatile-lfu",
		"# Memory\r\nmaxmemory:1048576\r\n":                                            "",
	} {
		if got := parseEviction(info); got != want {
			t.Errorf("%q: %q, want %q", info, got, want)
		}
	}
}

func texts(v any) map[string]string {
	m := map[string]string{}
	for key, value := range fields(v) {
		m[key] = text(value)
	}
	return m
}

func slotsText(s topology.SlotsSeen) string {
	out := fmt.Sprintf("asked %s, epochs %v\n", s.Asked, s.HasEpochs)
	for _, shard := range s.Shards {
		out += fmt.Sprintf("%v epoch %d primary %v replicas %v\n", shard.Slots, shard.Epoch, shard.Primary, shard.Replicas)
	}
	return out
}

func TestMessageMaster(t *testing.T) {
	for _, c := range []struct{ channel, payload, want string }{
		{"+switch-master", "main 127.0.0.1 1 127.0.0.1 2", "main"},
		{"+sdown", "master main 127.0.0.1 1", "main"},
		{"+odown", "master main 127.0.0.1 1 #quorum 2/2", "main"},
		{"+sdown", "slave 10.0.0.2:1 10.0.0.2 1 @ main 127.0.0.1 1", "main"},
		{"+sentinel", "sentinel 5a 10.0.0.2 1 @ other 127.0.0.1 1", "other"},
		{"+new-epoch", "5", ""},
		{"+tilt", "#tilt mode entered", ""},
		{"+switch-master", "main 127.0.0.1", ""},
		{"+sdown", "slave x @", ""},
		{"", "", ""},
	} {
		if got := messageMaster(c.channel, c.payload); got != c.want {
			t.Errorf("messageMaster(%q, %q) = %q, want %q", c.channel, c.payload, got, c.want)
		}
	}
}

// TestSilentReplicas: of the replicas that a primary calls online those are counted that have not acknowledged lately.
func TestSilentReplicas(t *testing.T) {
	info := "role:master\nconnected_slaves:4\nslave0:ip=10.0.0.2,port=1,state=online,offset=5,lag=2\n" +
		"slave1:ip=10.0.0.3,port=1,state=online,offset=5,lag=3\n" +
		"slave2:ip=10.0.0.4,port=1,state=wait_bgsave,offset=0,lag=9\n" +
		"slave3:ip=10.0.0.5,port=1,state=online,offset=5,lag=40\n"
	for _, role := range []bool{false, true} {
		var seen topology.RoleSeen
		if parseInfo(info, &seen, role); seen.Silent != 2 {
			t.Errorf("%d replicas are silent, want 2", seen.Silent)
		}
	}
}

// TestZoneIsParsed: INFO server of Valkey has the zone, INFO replication does not.
func TestZoneIsParsed(t *testing.T) {
	var seen topology.RoleSeen
	for _, info := range []string{"role:slave\r\n", "redis_version:7.2.4\r\navailability_zone:us-east-1a\r\n",
		"role:slave\r\n"} {
		parseInfo(info, &seen, false)
	}
	if seen.Zone != "us-east-1a" {
		t.Errorf("the zone is %q", seen.Zone)
	}
}

// TestOddReplies: malformed replies lead to no wrong result, and no panic.
func TestOddReplies(t *testing.T) {
	odd := []any{nil, "", int64(1), []any{}, []any{nil}, []any{"master"}, []any{"slave", "h", int64(1)},
		[]any{[]any{int64(0), int64(99999), []any{"h", int64(1)}}}, []any{[]any{int64(5), int64(2), []any{"h", int64(1)}}},
		[]any{[]any{"slots", []any{int64(-1), int64(3)}, "nodes", []any{nil, "x"}}},
		[]any{[]any{int64(0), int64(1), []any{"?", int64(1), "id"}}}, []any{[]any{int64(0), int64(1), []any{"h", int64(0)}}}}
	for _, v := range odd {
		var seen topology.RoleSeen
		if parseRole(v, &seen) {
			t.Errorf("parseRole(%v) took it", v)
		}
		m := maps{asked: "h:1"}
		for _, s := range append(m.shards(v).Shards, m.slots(v).Shards...) {
			if len(s.Slots) != 0 {
				t.Errorf("%v gave slots %v", v, s.Slots)
			}
		}
	}
	for _, info := range []string{"", "role", "role:\r\n", "role:master\nconnected_slaves:2\nslave0:ip=,port=1\n"} {
		var seen topology.RoleSeen
		parseInfo(info, &seen, true)
		if len(seen.Replicas) != 0 {
			t.Errorf("parseInfo(%q) gave replicas %v", info, seen.Replicas)
		}
	}
}

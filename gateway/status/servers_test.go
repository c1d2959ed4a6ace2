package status

import (
	"fmt"
	"strings"
	"testing"
)

const oneServer = `# Server
redis_version:7.0.15

# Memory
used_memory:2097152
used_memory_human:2.00M
used_memory_rss:4194304
used_memory_peak:4194304
used_memory_peak_perc:50.00%
used_memory_startup:1048576
used_memory_dataset:524288
used_memory_dataset_perc:50.00%
total_system_memory:1000
maxmemory:100
maxmemory_human:100B
maxmemory_policy:allkeys-lru
mem_fragmentation_ratio:2.00
mem_allocator:jemalloc

# Persistence
loading:0
rdb_changes_since_last_save:3
rdb_bgsave_in_progress:0
rdb_last_save_time:100
rdb_last_bgsave_status:ok
rdb_last_bgsave_time_sec:-1

# Stats
keyspace_hits:10
keyspace_misses:1
instantaneous_input_kbps:0.10
latest_fork_usec:5

# CPU
used_cpu_sys:0.500000

# Commandstats
cmdstat_get:calls=2,usec=10,usec_per_call=5.00,rejected_calls=0,failed_calls=1
cmdstat_geoadd:calls=3,usec=6,usec_per_call=2.00,rejected_calls=0,failed_calls=0
cmdstat_multi:calls=1,usec=1,usec_per_call=1.00,rejected_calls=0,failed_calls=0
cmdstat_xgroup|create:calls=1,usec=1,usec_per_call=1.00,rejected_calls=0,failed_calls=0
cmdstat_replconf:calls=4,usec=4,usec_per_call=1.00,rejected_calls=0,failed_calls=0
cmdstat_evalsha_ro:calls=5,usec=5,usec_per_call=1.00,rejected_calls=0,failed_calls=0

# Errorstats
errorstat_ERR:count=1

# Keyspace
db0:keys=2,expires=1,avg_ttl=100
`

const otherServer = `# Memory
used_memory:1073741824
used_memory_human:1.00G
used_memory_rss:1073741824
used_memory_peak:1073741824
used_memory_peak_perc:100.00%
used_memory_startup:1048576
used_memory_dataset:1048576
used_memory_dataset_perc:1.00%
total_system_memory:2000
maxmemory:0
maxmemory_human:0B
maxmemory_policy:noeviction
mem_fragmentation_ratio:1.00
mem_allocator:jemalloc

# Persistence
loading:1
rdb_changes_since_last_save:4
rdb_bgsave_in_progress:1
rdb_last_save_time:50
rdb_last_bgsave_status:err
rdb_last_bgsave_time_sec:7

# Stats
keyspace_hits:5
keyspace_misses:2
instantaneous_input_kbps:1.25
latest_fork_usec:4
only_new_ones_have_it:1

# CPU
used_cpu_sys:0.250000

# Commandstats
cmdstat_get:calls=1,usec=2,usec_per_call=2.00,rejected_calls=0,failed_calls=0
cmdstat_set:calls=0,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0

# Errorstats
errorstat_WRONGTYPE:count=2

# Keyspace
db0:keys=10,expires=3,avg_ttl=500
db1:keys=1,expires=0,avg_ttl=0
`

func crlf(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") }

// sectionText asks for a section of INFO, without its head.
func sectionText(f Facts, name string) string {
	_, rest, _ := strings.Cut(string(Info(f, []string{name})), "\r\n")
	return strings.ReplaceAll(rest, "\r\n", "\n")
}

func TestServersAreSummed(t *testing.T) {
	f := Facts{Rejected: 9, Servers: []ServerReport{
		{Addr: "a:1", Primary: true, Text: crlf(oneServer)}, {Addr: "b:2", Primary: true, Text: crlf(otherServer)},
		{Addr: "c:3", Text: crlf(oneServer)},
	}}
	for name, want := range map[string]string{
		"memory": `used_memory:1075838976
used_memory_human:1.00G
used_memory_rss:1077936128
used_memory_peak:1077936128
used_memory_peak_perc:99.81%
used_memory_startup:2097152
used_memory_dataset:1572864
used_memory_dataset_perc:0.15%
maxmemory:0
maxmemory_human:0B
mem_fragmentation_ratio:1.00
mem_allocator:jemalloc
`,
		"persistence": `loading:0
rdb_changes_since_last_save:7
rdb_bgsave_in_progress:1
rdb_last_save_time:50
rdb_last_bgsave_status:err
rdb_last_bgsave_time_sec:7
async_loading:0
`,
		"stats": `keyspace_hits:25
keyspace_misses:4
instantaneous_input_kbps:1.45
latest_fork_usec:5
only_new_ones_have_it:1
total_connections_received:0
rejected_connections:9
`,
		"cpu": "used_cpu_sys:1.250000\n",
		"commandstats": `cmdstat_get:calls=5,usec=22,usec_per_call=4.40,rejected_calls=0,failed_calls=2
cmdstat_geoadd:calls=3,usec=6,usec_per_call=2.00,rejected_calls=0,failed_calls=0
cmdstat_multi:calls=1,usec=1,usec_per_call=1.00,rejected_calls=0,failed_calls=0
cmdstat_xgroup|create:calls=1,usec=1,usec_per_call=1.00,rejected_calls=0,failed_calls=0
cmdstat_replconf:calls=8,usec=8,usec_per_call=1.00,rejected_calls=0,failed_calls=0
cmdstat_evalsha_ro:calls=10,usec=10,usec_per_call=1.00,rejected_calls=0,failed_calls=0
cmdstat_set:calls=0,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0
`,
		"errorstats": "errorstat_ERR:count=2\nerrorstat_WRONGTYPE:count=2\n",
		"keyspace":   "db0:keys=12,expires=4,avg_ttl=400\ndb1:keys=1,expires=0,avg_ttl=0\n",
	} {
		if got := sectionText(f, name); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
		}
	}
}

// TestOneServerIsPassedOn: what one server says stays as it says it.
func TestOneServerIsPassedOn(t *testing.T) {
	f := Facts{Servers: []ServerReport{
		{Addr: "a:1", Primary: true, Text: crlf(oneServer)}, {Addr: "c:3", Missing: "timeout"},
		{Addr: "main", Primary: true, Missing: "no primary"},
	}}
	_, want, _ := strings.Cut(oneServer, "# Memory\n")
	want, _, _ = strings.Cut(want, "\n\n")
	if got := sectionText(f, "memory"); got != want+"\nevergate_missing:main=no primary\n" {
		t.Errorf("memory: %s", got)
	}
	if got := sectionText(f, "cpu"); got != "used_cpu_sys:0.500000\nevergate_missing:c:3=timeout\n"+
		"evergate_missing:main=no primary\n" {
		t.Errorf("cpu: %s", got)
	}
}

// TestWithoutServersTheGatewaySpeaks: clients that look as they connect find what they need.
func TestWithoutServersTheGatewaySpeaks(t *testing.T) {
	text := string(Info(Facts{Servers: []ServerReport{{Addr: "a:1", Primary: true, Missing: "NOPERM"}}}, nil))
	for _, line := range []string{"\r\nmaxmemory_policy:noeviction\r\n", "\r\nloading:0\r\n", "\r\nused_cpu_sys:",
		"\r\ntotal_commands_processed:0\r\n", "# Keyspace\r\nevergate_missing:a:1=NOPERM\r\n"} {
		if !strings.Contains(text, line) {
			t.Errorf("no %q in %s", line, text)
		}
	}
}

func TestSectionsThatServersMake(t *testing.T) {
	for sections, want := range map[string]bool{
		"": true, "default": true, "all": true, "keyspace": true, "server": true, "clients": true, "latencystats": true,
		"gateway failover upstream replication": false, "commandstats": true,
	} {
		if got := AsksServers(strings.Fields(sections)); got != want {
			t.Errorf("%q: %v", sections, got)
		}
	}
	servers := []ServerReport{{Primary: true, Text: crlf(oneServer)}}
	for sections, want := range map[string]bool{"": false, "default": false, "all": true, "everything": true,
		"commandstats": true, "cpu": false} {
		text := string(Info(Facts{Servers: servers}, strings.Fields(sections)))
		if got := strings.Contains(text, "cmdstat_get"); got != want {
			t.Errorf("%q: commandstats are shown: %v", sections, got)
		}
	}
}

// TestNewerSections: what only some servers have is shown where they have it, and only there.
func TestNewerSections(t *testing.T) {
	newer := func(n int) string {
		return crlf(fmt.Sprintf(`# Server
redis_version:7.2.4
server_name:valkey
valkey_version:9.1.2
process_id:%[1]d

# Clients
connected_clients:9
maxclients:10000
client_recent_max_input_buffer:%[1]d
tracking_clients:3
pubsub_clients:7
watching_clients:1
total_blocking_keys:%[1]d

# Threads
io_thread_0:clients=1,reads=%[1]d,writes=0

# Modules
module:name=lua,ver=1
module:name=own%[1]d,ver=1

# Latencystats
latency_percentiles_usec_get:p50=%[1]d.003,p99=5.000

# Keysizes
db0_distrib_strings_sizes:1=%[1]d,4=1
`, n))
	}
	facts := Facts{ClientsMax: 50, Servers: []ServerReport{
		{Primary: true, Text: newer(1)}, {Primary: true, Text: newer(20)}, {Text: newer(300)},
	}}
	facts.Stats.Clients, facts.Stats.Subscribers = 4, 2
	text := string(Info(facts, []string{"all"}))
	for _, line := range []string{
		"redis_version:6.2.0\r\nserver_name:valkey\r\nvalkey_version:9.1.2\r\n",
		"connected_clients:4", "maxclients:50", "client_recent_max_input_buffer:20", "tracking_clients:0",
		"pubsub_clients:2", "watching_clients:2", "total_blocking_keys:21", "blocked_clients:0",
		"# Threads\r\nio_thread_0:clients=3,reads=321,writes=0",
		"# Modules\r\nmodule:name=lua,ver=1\r\nmodule:name=own1,ver=1\r\nmodule:name=own20,ver=1\r\n\r\n",
		"# Latencystats\r\nlatency_percentiles_usec_get:p50=300.003,p99=5.000",
		"# Keysizes\r\ndb0_distrib_strings_sizes:1=21,4=2",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("no %q in %s", line, text)
		}
	}
	facts.Servers = []ServerReport{{Primary: true, Text: crlf(oneServer)}}
	text = string(Info(facts, []string{"all"}))
	for _, word := range []string{"Threads", "Modules", "Latencystats", "Keysizes", "server_name", "pubsub_clients",
		"total_blocking_keys", "\r\n\r\n\r\n"} {
		if strings.Contains(text, word) {
			t.Errorf("%q in %s", word, text)
		}
	}
}

func TestHuman(t *testing.T) {
	for n, want := range map[float64]string{
		0: "0B", 1023: "1023B", 1024: "1.00K", 1262016: "1.20M", 25276026880: "23.54G",
	} {
		if got := human(n); got != want {
			t.Errorf("%v: %s, want %s", n, got, want)
		}
	}
}

package e2e

import (
	"testing"

	"evergate/testenv/servers"
)

// exporterCommands are those that redis_exporter 1.88 sends at a scrape, with what its flags add.
var exporterCommands = [][]string{
	{"PING"},
	{"CLIENT", "SETNAME", "redis_exporter"},
	{"CONFIG", "GET", "*"},
	{"INFO", "ALL"},
	{"INFO", "MODULES"},
	{"INFO"},
	{"LATENCY", "LATEST"},
	{"LATENCY", "HISTOGRAM"},
	{"SLOWLOG", "LEN"},
	{"SLOWLOG", "GET", "1"},
	{"COMMAND", "INFO", "COMMANDLOG"},
	{"CONFIG", "GET", "commandlog-*"},
	{"CLIENT", "LIST"},
	{"SELECT", "0"},
	{"SCAN", "0", "MATCH", "k*", "COUNT", "1000"},
	{"TYPE", "k"},
	{"MEMORY", "USAGE", "k"},
	{"STRLEN", "k"},
	{"EVAL", "return {'a', '1'}", "0"},
	{"CLUSTER", "INFO"},
	{"CLUSTER", "NODES"},
}

// TestRedisExporterIsAnswered: each reply is of the kind that a server gives, and an error only where it gives one.
func TestRedisExporterIsAnswered(t *testing.T) {
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{})
	gate := servers.StartGateway(t, "--primary", env.Primary().Addr)
	through := servers.MustDial(t, gate.Addr)
	awaitWrite(t, through, "SET", "k", "v")
	straight := servers.MustDial(t, env.Primary().Addr)
	for _, command := range exporterCommands {
		got, err := through.Do(command...)
		if err != nil {
			t.Fatal(command, err)
		}
		want, err := straight.Do(command...)
		if err != nil {
			t.Fatal(command, err)
		}
		if got[0] != want[0] {
			t.Errorf("%v: %.100q through the gateway, %.100q of the server", command, got, want)
		}
	}
	all := infoOf(t, through, "ALL")
	for _, field := range []string{"redis_version", "connected_clients", "used_memory", "role", "maxclients",
		"total_commands_processed", "cmdstat_set", "db0", "uptime_in_seconds"} {
		if all[field] == "" {
			t.Errorf("INFO ALL has no %s", field)
		}
	}
}

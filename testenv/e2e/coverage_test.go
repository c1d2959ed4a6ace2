package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"evergate/testenv/servers"
)

// untranscribed has the commands that no transcript has, with the tests that cover them.
var untranscribed = map[string]string{
	"acl|deluser": refusedThere, "acl|list": refusedThere, "acl|load": refusedThere, "acl|save": refusedThere,
	"acl|setuser": refusedThere, "debug": refusedThere, "failover": refusedThere, "migrate": refusedThere,
	"module|load": refusedThere, "module|loadex": refusedThere, "module|unload": refusedThere, "psync": refusedThere,
	"replconf": refusedThere, "replicaof": refusedThere, "shutdown": refusedThere, "slaveof": refusedThere,
	"sync":                         refusedThere,
	"cluster|cancelslotmigrations": harmful, "cluster|flushslot": harmful, "cluster|getslotmigrations": harmful,
	"cluster|migrateslots": harmful, "cluster|syncslots": harmful,
	"cluster|myshardid": ofClusters, "cluster|slot-stats": ofClusters, "clusterscan": ofClusters,
	"hotkeys|get": ofGateway, "hotkeys|help": ofGateway, "hotkeys|reset": ofGateway, "hotkeys|start": ofGateway,
	"hotkeys|stop": ofGateway,
	"quit":         "it ends the connection: the worker's golden scripts",
}

const (
	refusedThere = "refused for its harm: allow_test.go"
	harmful      = "refused for its harm: the table of routing, and what it decides"
	ofGateway    = "the gateway has its own: hotkeys_test.go"
	ofClusters   = "servers have it for clusters only: the tables of routing and gateway/facade, and learn_test.go"
)

// commandsOf lists a server's commands, subcommands as "config|get".
func commandsOf(t *testing.T, n *servers.Node) []string {
	t.Helper()
	reply, err := n.Do("COMMAND", "LIST")
	if err != nil {
		t.Skip("the server has no COMMAND LIST: ", err) // before Redis 7.0
	}
	var names []string
	for _, name := range reply.([]any) {
		names = append(names, strings.ToLower(name.(string))) // those of modules keep their case
	}
	slices.Sort(names)
	return names
}

// TestTranscriptsHaveEveryCommand checks that no command is missing.
func TestTranscriptsHaveEveryCommand(t *testing.T) {
	t.Parallel()
	sent := map[string]bool{}
	for _, tr := range readTranscripts(t, slices.Concat([]string{"local", "big", "auth"}, dataTranscripts)...) {
		for _, words := range tr.commands {
			name := strings.ToLower(words[0])
			sent[name] = true
			if len(words) > 1 {
				sent[name+"|"+strings.ToLower(words[1])] = true
			}
		}
	}
	for _, name := range commandsOf(t, servers.StartPlain(t, servers.Options{}).Primary()) {
		if _, found := untranscribed[name]; sent[name] == found {
			t.Errorf("%s: in a transcript: %v, listed as untranscribed: %v", name, sent[name], found)
		}
	}
}

// TestCompatWrongArity gives every command, and every subcommand, too few arguments.
func TestCompatWrongArity(t *testing.T) {
	t.Parallel()
	straight, plain := servers.StartPlain(t, servers.Options{}), servers.StartPlain(t, servers.Options{})
	cluster := servers.StartCluster(t, servers.Options{Primaries: 3})
	tr := transcript{name: "wrong arity"}
	for _, name := range commandsOf(t, straight.Primary()) {
		words := strings.Split(name, "|")
		info, err := straight.Primary().Do("COMMAND", "INFO", name)
		if err != nil {
			t.Fatal(err)
		}
		arity := fmt.Sprint(info.([]any)[0].([]any)[1])
		if _, found := untranscribed[name]; found || arity == fmt.Sprint(len(words)) || arity == fmt.Sprint(-len(words)) {
			continue // it needs no argument
		}
		tr.commands = append(tr.commands, words)
	}
	if len(tr.commands) < 200 {
		t.Fatalf("only %d commands have arguments", len(tr.commands))
	}
	for behind, args := range map[string][]string{
		"plain": {"--primary", plain.Primary().Addr}, "cluster": {"--cluster", cluster.Addrs()},
	} {
		gate := servers.StartGateway(t, args...)
		tr.differs = differing(t, behind)
		compareReplies(t, tr, 2, sendOneByOne, straight.Primary().Addr, gate.Addr)
		compareReplies(t, tr, 3, sendAtOnce, straight.Primary().Addr, gate.Addr)
	}
}

package direct

import (
	"slices"
	"strings"
)

// The settings of servers that are handled in a special way.

// secrets are never shown.
var secrets = []string{
	"requirepass", "masterauth", "primaryauth", "tls-key-file-pass", "tls-client-key-file-pass",
}

// places describe where a server is and what its files are called: two servers of a machine differ in them.
var places = []string{
	"port", "tls-port", "bind", "bind-source-addr", "unixsocket", "dir", "dbfilename", "appendfilename", "appenddirname",
	"aclfile", "logfile", "pidfile", "syslog-ident", "replicaof", "slaveof", "cluster-port", "cluster-config-file",
	"server_cpulist", "server-cpulist", "proc-title-template", "cluster-announce-*", "replica-announce-*",
	"slave-announce-*",
}

// protected are settings that the topology depends on: if a server had another password, port or role, its replicas,
// its Sentinels or the gateway could not reach it, and no replica would be promoted when it dies.
var protected = []string{
	"requirepass", "masterauth", "masteruser", "primaryauth", "primaryuser", "bind", "bind-source-addr", "port",
	"protected-mode", "unixsocket", "unixsocketperm", "dir", "dbfilename", "aclfile", "tls-*", "replica*", "slave*",
	"cluster*", "maxclients",
}

// isOneOf looks up a lower-case name in a list where "x*" matches every name that begins with x.
func isOneOf(list []string, name string) bool {
	return slices.ContainsFunc(list, func(word string) bool {
		head, open := strings.CutSuffix(word, "*")
		return word == name || open && strings.HasPrefix(name, head)
	})
}

func isSecret(name string) bool { return isOneOf(secrets, strings.ToLower(name)) }

func isPlace(name string) bool { return isOneOf(places, strings.ToLower(name)) }

// secretIn finds a secret that is requested by its name.
func secretIn(patterns []string) string {
	if at := slices.IndexFunc(patterns, isSecret); at >= 0 {
		return strings.ToLower(patterns[at])
	}
	return ""
}

// protectedIn finds a protected name among those of CONFIG SET name value name value.
func protectedIn(words []string) string {
	for i := 0; i < len(words); i += 2 {
		if name := strings.ToLower(words[i]); isOneOf(protected, name) {
			return name
		}
	}
	return ""
}

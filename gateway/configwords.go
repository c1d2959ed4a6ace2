package gateway

import (
	"slices"
	"strings"
)

// The settings of servers that are dealt with otherwise than others.

// secrets are shown to nobody.
var secrets = []string{
	"requirepass", "masterauth", "primaryauth", "tls-key-file-pass", "tls-client-key-file-pass",
}

// places say where a server is and what it calls its files: two servers of a machine differ in them.
var places = []string{
	"port", "tls-port", "bind", "bind-source-addr", "unixsocket", "dir", "dbfilename", "appendfilename", "appenddirname",
	"aclfile", "logfile", "pidfile", "syslog-ident", "replicaof", "slaveof", "cluster-port", "cluster-config-file",
	"server_cpulist", "server-cpulist", "proc-title-template", "cluster-announce-*", "replica-announce-*",
	"slave-announce-*",
}

// protected is what the topology lives by: with another password, port or role of a server its replicas, its Sentinels
// or the gateway find it no more or are not let in, and nobody is promoted when it dies.
var protected = []string{
	"requirepass", "masterauth", "masteruser", "primaryauth", "primaryuser", "bind", "bind-source-addr", "port",
	"protected-mode", "unixsocket", "unixsocketperm", "dir", "dbfilename", "aclfile", "tls-*", "replica*", "slave*",
	"cluster*", "maxclients",
}

// isOneOf finds a name, in lower case, in a list where "x*" is all that begins with x.
func isOneOf(list []string, name string) bool {
	return slices.ContainsFunc(list, func(word string) bool {
		head, open := strings.CutSuffix(word, "*")
		return word == name || open && strings.HasPrefix(name, head)
	})
}

func isSecret(name string) bool { return isOneOf(secrets, strings.ToLower(name)) }

func isPlace(name string) bool { return isOneOf(places, strings.ToLower(name)) }

// secretIn finds a secret that is asked for by its name.
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

// Package retry decides about a request that a server has rejected: whether the error is the reply, or the request was
// not executed and is retried, where, and after which pause. It sees replies and facts, never a session or a
// connection, and time is an argument.
package retry

import (
	"bytes"

	"evergate/gateway/resp"
)

// Kind is the meaning of a reply for the routing of its request.
type Kind uint8

const (
	Answered   Kind = iota // the reply is the answer
	Moved                  // another node has the slot
	Ask                    // another node has this key of a slot that is being moved
	TryAgain               // the keys of a slot that is being moved are on two nodes
	Unable                 // READONLY, LOADING, CLUSTERDOWN, MASTERDOWN: the server does not serve now
	NoPassword             // the connection is not authenticated
	NoScript               // the server does not have the script: script caches are not replicated
	NoReplicas             // min-replicas-to-write is not met: a new primary gets its replicas a second after a failover
	Busy                   // the server runs a script
	Absent                 // a replica lacks a key, which may have moved to another shard
)

// Kinds is how many kinds an error reply may have; Absent is not one of them.
const Kinds = Absent

var kindNames = [...]string{"answered", "moved", "ask", "tryagain", "unable", "no-password", "noscript", "noreplicas",
	"busy", "absent"}

// String returns the name in metrics.
func (k Kind) String() string { return kindNames[k] }

// Unblocked is what a server emits to blocked clients when it loses its role.
const Unblocked = "-UNBLOCKED force unblock from blocking operation, instance state changed"

// UnblockedByClient is the reply to a blocking command that another client ended with CLIENT UNBLOCK ... ERROR. The
// command has done nothing.
const UnblockedByClient = "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n"

// Classify returns the kind of an error reply by its prefix. byScript: a script or a module's command may have returned
// the error, after it has changed data; then only the servers' own sentences count.
func Classify(reply []byte, byScript bool) Kind {
	word := reply[1:]
	if i := bytes.IndexByte(word, ' '); i > 0 {
		word = word[:i]
	}
	if byScript && !worded(reply) {
		return Answered
	}
	switch string(word) {
	case "MOVED":
		return Moved
	case "ASK":
		return Ask
	case "TRYAGAIN":
		return TryAgain
	case "READONLY", "LOADING", "CLUSTERDOWN", "MASTERDOWN":
		return Unable
	case "ERR":
		if bytes.HasPrefix(reply, []byte("-ERR WAIT cannot be used with replica")) ||
			bytes.HasPrefix(reply, []byte("-ERR WAITAOF cannot be used with replica")) {
			return Unable
		}
	case "UNBLOCKED":
		if bytes.HasPrefix(reply, []byte(Unblocked)) {
			return Unable
		}
	case "NOAUTH":
		return NoPassword
	case "NOSCRIPT":
		return NoScript
	case "NOREPLICAS":
		return NoReplicas
	case "BUSY":
		return Busy
	}
	return Answered
}

// worded reports whether an error reply has the wording of a server.
func worded(reply []byte) bool {
	for _, words := range [...]string{
		"-MOVED ", "-ASK ", "-TRYAGAIN Multiple keys request during rehashing of slot",
		"-READONLY You can't write against a read only replica.", "-LOADING Redis is loading", "-LOADING Valkey is loading",
		"-CLUSTERDOWN The cluster is down", "-CLUSTERDOWN Hash slot not served",
		"-MASTERDOWN Link with MASTER is down", "-NOAUTH Authentication required", "-NOSCRIPT No matching script.",
		"-NOREPLICAS Not enough good replicas to write.", "-BUSY Redis is busy running a", "-BUSY Valkey is busy running a",
	} {
		if len(reply) >= len(words) && string(reply[:len(words)]) == words {
			return true
		}
	}
	return false
}

// IsAbsent reports whether a reply may be that of a missing key, or has one among its elements. A replica of a cluster
// does not know that a slot is being moved: a key that has moved is missing there, while its primary would reply ASK.
func IsAbsent(reply []byte) bool {
	return resp.Lacks(reply) || bytes.Equal(reply, typeNone) || reply[0] == '-' && lacksKey(reply)
}

// IsOfServer reports whether an error may be that of one server alone: users and their rights are not replicated, and
// another server may be of another version.
func IsOfServer(reply []byte) bool {
	return reply[0] == '-' && (bytes.HasPrefix(reply, []byte("-NOPERM ")) ||
		bytes.HasPrefix(reply, []byte("-ERR unknown command")) || bytes.HasPrefix(reply, []byte("-ERR unknown subcommand")))
}

// lacksKey reports whether an error may be that of a command about a missing key.
func lacksKey(reply []byte) bool {
	return bytes.HasPrefix(reply, []byte("-ERR no such key")) || bytes.HasPrefix(reply, []byte("-NOGROUP ")) ||
		bytes.HasPrefix(reply, []byte("-ERR key does not exist"))
}

// typeNone is the type of a missing key.
var typeNone = []byte("+none\r\n")

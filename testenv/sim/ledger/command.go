package ledger

import (
	"crypto/sha1"
	"encoding/hex"
	"slices"
	"strings"

	"evergate/routing"
)

// Forbidden names what must never stand on a shared connection.
func Forbidden(args [][]byte) bool {
	switch strings.ToUpper(string(args[0])) {
	case "SET", "INCRBY", "GET", "GETRANGE", "MGET", "MSET", "DEL", "MOD.SET", "ASKING", "COMMAND",
		"MULTI", "EXEC", "WATCH", "UNWATCH", "EVAL", "EVALSHA", "SCRIPT", "BLPOP", "RPUSH", "SCAN", "CLUSTER", "PING",
		"CLIENT":
		return false
	}
	return true
}

// KeysOf returns the keys of a command.
func KeysOf(args [][]byte) []string {
	var keys []string
	switch strings.ToUpper(string(args[0])) {
	case "SET", "INCRBY", "GET", "GETRANGE", "MOD.SET", "RPUSH":
		keys = append(keys, string(args[1]))
	case "BLPOP":
		keys = append(keys, string(args[1]))
	case "EVAL", "EVALSHA":
		keys = append(keys, string(args[3]))
	case "MGET", "DEL", "WATCH":
		for _, a := range args[1:] {
			keys = append(keys, string(a))
		}
	case "MSET":
		for i := 1; i < len(args); i += 2 {
			keys = append(keys, string(args[i]))
		}
	}
	return keys
}

// Writes says that a command changes data.
func Writes(args [][]byte) bool {
	switch strings.ToUpper(string(args[0])) {
	case "SET", "INCRBY", "MSET", "DEL", "MOD.SET", "EVAL", "EVALSHA", "RPUSH", "BLPOP":
		return true
	}
	return false
}

// SlotOf is the slot of a command's first key.
func SlotOf(args [][]byte) int { return routing.Slot([]byte(KeysOf(args)[0])) }

// Malformed says that a command has too few arguments.
func Malformed(args [][]byte) bool {
	least := map[string]int{"SET": 3, "INCRBY": 3, "MOD.SET": 3, "MSET": 3, "GETRANGE": 4, "DEL": 2, "GET": 2, "MGET": 2,
		"WATCH": 3, "EVAL": 5, "EVALSHA": 5, "BLPOP": 4, "RPUSH": 3, "WAIT": 3}
	return len(args) < least[strings.ToUpper(string(args[0]))]
}

var Subscribes = [...]string{"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE"}

var Unsubscribes = [...]string{"UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE"}

// OfListeners names what stands on connections because of listeners.
func OfListeners(args [][]byte) bool {
	switch verb := strings.ToUpper(string(args[0])); verb {
	case "PUBLISH", "SPUBLISH", "PING":
		return true
	default:
		return slices.Contains(Subscribes[:], verb) || slices.Contains(Unsubscribes[:], verb)
	}
}

// scriptUnknown checks that a server lacked a script. Few may: one is on its way there on another connection, and what
// the same client sent behind the call was executed, so that it cannot be put again.
func (l *Ledger) scriptUnknown(r *Request) {
	r.State = Refused
	l.unknown++
	if len(r.Ran) > 0 {
		l.Fail("%v was executed, and then answered NOSCRIPT", r)
	}
	if l.unknown > 3 && l.unknown > l.named/4 {
		l.Fail("%d scripts were unknown to their server (NOSCRIPT), %d were run by their names", l.unknown, l.named)
	}
}

// ScriptName is the name by which EVALSHA calls a script.
func ScriptName(body string) string {
	sum := sha1.Sum([]byte(body))
	return hex.EncodeToString(sum[:])
}

package ledger

import (
	"slices"
	"strings"

	"evergate/routing"
)

// Forbidden names what must never stand on a shared connection.
func Forbidden(args [][]byte) bool {
	switch strings.ToUpper(string(args[0])) {
	case "SET", "INCRBY", "GET", "GETRANGE", "MGET", "MSET", "DEL", "MOD.SET", "ASKING", "COMMAND",
		"MULTI", "EXEC", "WATCH", "UNWATCH":
		return false
	}
	return true
}

// KeysOf returns the keys of a command.
func KeysOf(args [][]byte) []string {
	var keys []string
	switch strings.ToUpper(string(args[0])) {
	case "SET", "INCRBY", "GET", "GETRANGE", "MOD.SET":
		keys = append(keys, string(args[1]))
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
	case "SET", "INCRBY", "MSET", "DEL", "MOD.SET":
		return true
	}
	return false
}

// SlotOf is the slot of a command's first key.
func SlotOf(args [][]byte) int { return routing.Slot([]byte(KeysOf(args)[0])) }

// Malformed says that a command has too few arguments.
func Malformed(args [][]byte) bool {
	least := map[string]int{"SET": 3, "INCRBY": 3, "MOD.SET": 3, "MSET": 3, "GETRANGE": 4, "DEL": 2, "GET": 2, "MGET": 2,
		"WATCH": 3}
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

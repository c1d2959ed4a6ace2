package load

import (
	"fmt"
	"strconv"

	"evergate/testenv/drill/ledger"
)

// Names are the keys of one drill: all below one prefix, so that they can be removed again.
type Names struct {
	// Prefix ends in a colon.
	Prefix string
	// Tags are hash tags in slots of the struck shard, one for each connection to it; empty if there is only one shard.
	Tags []string
}

// Keyspace is the prefix of all keys of all drills.
const Keyspace = "evergate:drill:"

// readKeys is how many keys a reading connection reads in turn.
const readKeys = 16

// Part returns the middle of a key, between Prefix and the rest: a hash tag in a cluster.
func (n *Names) Part(conn int, struck bool) string {
	if len(n.Tags) == 0 || !struck {
		return ""
	}
	return "{" + n.Tags[conn%len(n.Tags)] + "}:"
}

// key returns the key of a request.
func (n *Names) key(e *ledger.Entry) string {
	base := n.Prefix + n.Part(e.Conn, e.Struck)
	switch e.Kind {
	case ledger.Set:
		return fmt.Sprintf("%sset:%d:%d", base, e.Conn, e.Number)
	case ledger.Incr:
		return fmt.Sprintf("%scount:%d", base, e.Conn)
	case ledger.Push:
		return fmt.Sprintf("%slist:%d", base, e.Conn)
	default:
		return fmt.Sprintf("%sread:%d:%d", base, e.Conn, e.Number%readKeys)
	}
}

// twin returns the second key of a write of two keys; both lie in one slot.
func twin(key string) string { return key + ":twin" }

// value returns the value of a key that is written once.
func (n *Names) value(e *ledger.Entry) string {
	if e.Kind == ledger.Get {
		return fmt.Sprintf("read-%d-%d", e.Conn, e.Number%readKeys)
	}
	return fmt.Sprintf("set-%d-%d", e.Conn, e.Number)
}

// command returns the arguments of a request. In a cluster every fourth write sets two keys: such a command meets
// TRYAGAIN while its slot moves.
func (n *Names) command(e *ledger.Entry) []string {
	key := n.key(e)
	switch e.Kind {
	case ledger.Set:
		if n.paired(e) {
			return []string{"MSET", key, n.value(e), twin(key), n.value(e)}
		}
		return []string{"SET", key, n.value(e)}
	case ledger.Incr:
		return []string{"INCR", key}
	case ledger.Push:
		return []string{"RPUSH", key, strconv.Itoa(e.Number)}
	default:
		return []string{"GET", key}
	}
}

func (n *Names) paired(e *ledger.Entry) bool {
	return e.Kind == ledger.Set && e.Struck && len(n.Tags) > 0 && e.Number%4 == 3
}

// Keys returns all keys that the load may have written: those that are read, and those of its requests so far.
func (l *Load) Keys(entries []ledger.Entry) map[string]bool {
	keys := map[string]bool{}
	for i := range l.Conns {
		if r, struck := l.plan(i); r.kind == ledger.Get {
			for number := range readKeys {
				keys[l.Names.key(&ledger.Entry{Conn: i, Number: number, Kind: ledger.Get, Struck: struck})] = true
			}
		}
	}
	for i := range entries {
		key := l.Names.key(&entries[i])
		keys[key] = true
		if l.Names.paired(&entries[i]) {
			keys[twin(key)] = true
		}
	}
	return keys
}

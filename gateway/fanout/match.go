package fanout

import (
	"bytes"

	"evergate/gateway/glob"
)

// The names of keyspace events. Unlike other messages, servers do not pass these from node to node.
var eventPrefixes = [...][]byte{[]byte("__keyspace@"), []byte("__keyevent@")}

// IsEvent reports whether messages of a channel are keyspace events.
func IsEvent(channel []byte) bool {
	for _, prefix := range eventPrefixes {
		if bytes.HasPrefix(channel, prefix) {
			return true
		}
	}
	return false
}

// mayBeEvents reports whether keyspace events may come under a name.
func mayBeEvents(k Kind, name []byte) bool {
	switch k {
	case Channel:
		return IsEvent(name)
	case Pattern:
		for _, prefix := range eventPrefixes {
			if glob.MayBegin(name, prefix) {
				return true
			}
		}
	}
	return false
}

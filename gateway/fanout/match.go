package fanout

import "bytes"

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
			if mayBegin(name, prefix) {
				return true
			}
		}
	}
	return false
}

// mayBegin reports whether a pattern may match names that begin with prefix. True is not certain, false is.
func mayBegin(pattern, prefix []byte) bool {
	for _, c := range prefix {
		if len(pattern) == 0 {
			return false
		}
		if pattern[0] == '*' {
			return true
		}
		rest, ok := matchOne(pattern, c)
		if !ok {
			return false
		}
		pattern = rest
	}
	return true
}

// Match reports whether a pattern matches a name, by the servers' rules (stringmatchlen of util.c).
func Match(pattern, name []byte) bool {
	ok, _ := match(pattern, name)
	return ok
}

// match is Match. hopeless: no later start can match either, so that many stars cost little.
func match(pattern, name []byte) (ok, hopeless bool) {
	for len(pattern) > 0 && len(name) > 0 {
		if pattern[0] == '*' {
			for len(pattern) > 1 && pattern[1] == '*' {
				pattern = pattern[1:]
			}
			if len(pattern) == 1 {
				return true, false
			}
			for ; len(name) > 0; name = name[1:] {
				if ok, hopeless = match(pattern[1:], name); ok || hopeless {
					return ok, hopeless
				}
			}
			return false, true
		}
		if pattern, ok = matchOne(pattern, name[0]); !ok {
			return false, false
		}
		name = name[1:]
		if len(name) == 0 {
			for len(pattern) > 0 && pattern[0] == '*' {
				pattern = pattern[1:]
			}
		}
	}
	return len(pattern) == 0 && len(name) == 0, false
}

// matchOne matches one byte with the beginning of a pattern, which is no star, and returns the rest of the pattern.
func matchOne(pattern []byte, c byte) (rest []byte, ok bool) {
	switch pattern[0] {
	case '?':
		return pattern[1:], true
	case '[':
		return matchSet(pattern[1:], c)
	case '\\':
		if len(pattern) >= 2 {
			pattern = pattern[1:]
		}
	}
	return pattern[1:], pattern[0] == c
}

// matchSet matches one byte with a set; pattern begins after its '['. An unclosed set ends with the pattern.
func matchSet(pattern []byte, c byte) (rest []byte, ok bool) {
	not := len(pattern) > 0 && pattern[0] == '^'
	if not {
		pattern = pattern[1:]
	}
	for {
		switch {
		case len(pattern) == 0:
			return nil, ok != not
		case len(pattern) >= 2 && pattern[0] == '\\':
			pattern = pattern[1:]
			ok = ok || pattern[0] == c
		case pattern[0] == ']':
			return pattern[1:], ok != not
		case len(pattern) >= 3 && pattern[1] == '-':
			low, high := min(pattern[0], pattern[2]), max(pattern[0], pattern[2])
			pattern = pattern[2:]
			ok = ok || low <= c && c <= high
		default:
			ok = ok || pattern[0] == c
		}
		pattern = pattern[1:]
	}
}

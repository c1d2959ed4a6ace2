package resp

import (
	"slices"

	"github.com/tidwall/redcon"
)

// Int parses an integer reply.
func Int(reply []byte) (n int64, ok bool) {
	if len(reply) < 4 || reply[0] != ':' {
		return 0, false
	}
	return parseInt(reply[1 : len(reply)-2])
}

// Bulk returns the value of a bulk string; it aliases the reply. ok is false for anything else, a null included.
func Bulk(reply []byte) (value []byte, ok bool) {
	if len(reply) == 0 || reply[0] != '$' {
		return nil, false
	}
	size, next, ok, whole := number(reply, 1)
	if !ok || !whole || size < 0 || int64(len(reply)-next) != size+2 {
		return nil, false
	}
	return reply[next : next+int(size)], true
}

// Elements returns the elements of an array, a set or a push. They alias the reply.
func Elements(reply []byte) (elements [][]byte, ok bool) {
	if elements, ok = appendElementsOf(nil, reply); !ok {
		return nil, false
	}
	return elements, true
}

// appendElementsOf is Elements into an existing slice.
func appendElementsOf(elements [][]byte, reply []byte) (all [][]byte, ok bool) {
	if len(reply) == 0 || reply[0] != '*' && reply[0] != '~' && reply[0] != '>' {
		return elements, false
	}
	return appendValues(elements, reply, 1)
}

// Pairs returns the keys and values of a map, or of the flat array that it is in RESP2, alternating. They alias the
// reply.
func Pairs(reply []byte) (elements [][]byte, ok bool) {
	if len(reply) > 0 && reply[0] == '%' {
		elements, ok = appendValues(nil, reply, 2)
	} else {
		elements, ok = appendElementsOf(nil, reply)
	}
	if !ok || len(elements)%2 != 0 {
		return nil, false
	}
	return elements, true
}

// appendValues appends the values of an aggregate whose head counts each values as one.
func appendValues(elements [][]byte, reply []byte, each int64) (all [][]byte, ok bool) {
	count, next, ok, whole := number(reply, 1)
	if !ok || !whole || count < 0 || count > int64(len(reply)) {
		return elements, false
	}
	count *= each
	rest := reply[next:]
	elements = slices.Grow(elements, int(count))
	for range count {
		var s ReplyScanner
		n, done, err := s.Scan(rest)
		if err != nil || !done {
			return elements, false
		}
		elements = append(elements, rest[:n])
		rest = rest[n:]
	}
	return elements, len(rest) == 0
}

// PushWords stores the bulk strings at the beginning of a push, at most as many as words holds, and returns their
// number. They alias the push.
func PushWords(push []byte, words *[3][]byte) (n int) {
	if len(push) == 0 || push[0] != '>' {
		return 0
	}
	count, at, ok, whole := number(push, 1)
	if !ok || !whole {
		return 0
	}
	for n < len(words) && int64(n) < count && at < len(push) && push[at] == '$' {
		size, next, ok, whole := number(push, at+1)
		if !ok || !whole || size < 0 || size > int64(len(push)-next-2) {
			return n
		}
		words[n] = push[next : next+int(size)]
		at = next + int(size) + 2
		n++
	}
	return n
}

func joinUnion(dst []byte, parts []JoinPart) []byte {
	seen := map[string]bool{}
	var all [][]byte
	for _, p := range parts {
		elements, ok := Elements(p.Reply)
		if !ok {
			return AppendError(dst, joinShape)
		}
		for _, e := range elements {
			if !seen[string(e)] {
				seen[string(e)] = true
				all = append(all, e)
			}
		}
	}
	dst = redcon.AppendArray(dst, len(all))
	for _, e := range all {
		dst = append(dst, e...)
	}
	return dst
}

func joinPairs(dst []byte, parts []JoinPart) []byte {
	var names [][]byte
	var sums []int64
	for i, p := range parts {
		elements, ok := Elements(p.Reply)
		if !ok || len(elements)%2 != 0 || i > 0 && len(elements) != 2*len(names) {
			return AppendError(dst, joinShape)
		}
		for k := 0; k < len(elements); k += 2 {
			n, ok := Int(elements[k+1])
			switch {
			case !ok, i > 0 && string(elements[k]) != string(names[k/2]):
				return AppendError(dst, joinShape)
			case i == 0:
				names, sums = append(names, elements[k]), append(sums, n)
			default:
				sums[k/2] += n
			}
		}
	}
	dst = redcon.AppendArray(dst, 2*len(names))
	for i, name := range names {
		dst = redcon.AppendInt(append(dst, name...), sums[i])
	}
	return dst
}

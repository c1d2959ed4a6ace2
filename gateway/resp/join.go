package resp

import "github.com/tidwall/redcon"

// JoinKind is how the replies to the parts of one request become one reply.
type JoinKind uint8

const (
	// Ordered puts array elements back at the places that the parts name.
	Ordered JoinKind = iota
	// Sum adds integers.
	Sum
	// AllOK is OK when every part is.
	AllOK
	// Union puts the elements of arrays together, equal ones once.
	Union
	// SumPairs adds the numbers that follow equal names. The parts have the same names in the same order.
	SumPairs
)

// JoinPart is one part's reply, and for Ordered the place of each of its elements in the joined array.
type JoinPart struct {
	Reply  []byte
	Places []int
}

// Join appends one well-formed reply made of the parts. An error in any part is the answer. Parts that do not have
// the shape the kind asks for make an error too: a wrong answer is never given.
func Join(dst []byte, kind JoinKind, parts []JoinPart) []byte {
	for _, p := range parts {
		if len(p.Reply) > 0 && p.Reply[0] == '-' {
			return append(dst, p.Reply...)
		}
	}
	switch kind {
	case Ordered:
		return joinOrdered(dst, parts)
	case Sum:
		return joinSum(dst, parts)
	case Union:
		return joinUnion(dst, parts)
	case SumPairs:
		return joinPairs(dst, parts)
	default:
		for _, p := range parts {
			if len(p.Reply) == 0 || p.Reply[0] != '+' {
				return AppendError(dst, joinShape)
			}
		}
		return append(dst, OK...)
	}
}

const joinShape = "ERR the servers' partial replies do not fit together"

func joinSum(dst []byte, parts []JoinPart) []byte {
	var sum int64
	for _, p := range parts {
		v, ok := Int(p.Reply)
		if !ok {
			return AppendError(dst, joinShape)
		}
		sum += v
	}
	return redcon.AppendInt(dst, sum)
}

func joinOrdered(dst []byte, parts []JoinPart) []byte {
	total := 0
	for _, p := range parts {
		total += len(p.Places)
	}
	elements := make([][]byte, total)
	for _, p := range parts {
		if len(p.Reply) == 0 || p.Reply[0] != '*' {
			return AppendError(dst, joinShape)
		}
		count, next, ok, whole := number(p.Reply, 1)
		if !ok || !whole || count != int64(len(p.Places)) {
			return AppendError(dst, joinShape)
		}
		rest := p.Reply[next:]
		for _, place := range p.Places {
			var s ReplyScanner
			n, done, err := s.Feed(rest)
			if err != nil || !done || place < 0 || place >= total || elements[place] != nil {
				return AppendError(dst, joinShape)
			}
			elements[place] = rest[:n]
			rest = rest[n:]
		}
		if len(rest) > 0 {
			return AppendError(dst, joinShape)
		}
	}
	dst = redcon.AppendArray(dst, total)
	for _, e := range elements {
		dst = append(dst, e...)
	}
	return dst
}

// Replace appends an array with other elements at some places, which must rise. What is no array of as many elements
// makes an error.
func Replace(dst, array []byte, places []int, with [][]byte) []byte {
	count, next, ok, whole := number(array, 1)
	if array[0] != '*' || !ok || !whole || count < 0 {
		return AppendError(dst, joinShape)
	}
	begin := len(dst)
	dst = append(dst, array[:next]...)
	rest := array[next:]
	for i := range int(count) {
		var s ReplyScanner
		n, done, err := s.Feed(rest)
		if err != nil || !done {
			return AppendError(dst[:begin], joinShape)
		}
		if len(places) > 0 && places[0] == i {
			dst = append(dst, with[0]...)
			places, with = places[1:], with[1:]
		} else {
			dst = append(dst, rest[:n]...)
		}
		rest = rest[n:]
	}
	if len(rest) > 0 || len(places) > 0 {
		return AppendError(dst[:begin], joinShape)
	}
	return dst
}

package resp

import "github.com/tidwall/redcon"

// JoinKind is how the replies to the parts of one request become one reply.
type JoinKind uint8

const (
	// Ordered puts array elements back at the places that the parts name.
	Ordered JoinKind = iota
	// Sum adds integers.
	Sum
	// AllOK is the first part's status when every part is a status.
	AllOK
	// Union puts the elements of arrays together, equal ones once.
	Union
	// SumPairs adds the numbers that follow equal names. The parts have the same names in the same order.
	SumPairs
	// Concat puts the elements of arrays one behind the other.
	Concat
	// AnyOf is the first part that is not null, or null.
	AnyOf
	// EachTrue takes arrays of integers, all of one length, and gives the smallest at each place.
	EachTrue
	// Same is the first part, when all parts are equal.
	Same
	// OneOK is the first part that is a status. Where none is, it is the first error, of those that say something else
	// than NOTBUSY if there are such.
	OneOK
	// Least is the smallest integer.
	Least
	// Newest puts the elements of arrays in the order of the integers at their second places, largest first, and keeps
	// the first Limit of them.
	Newest
	// Texts makes one text of strings, each under its part's name.
	Texts
)

// JoinPart is one part's reply, for Ordered the place of each of its elements in the joined array, and for Texts its
// name.
type JoinPart struct {
	Reply  []byte
	Places []int
	Name   string
}

// Join appends one well-formed reply made of the parts, of which there is one at least. An error in any part is the
// answer, but for OneOK. Parts that do not have the shape the kind asks for make an error too: a wrong answer is never
// given. limit is for Newest alone; a negative one keeps all. Texts come as a bulk string in RESP2 and RESP3 alike.
func Join(dst []byte, kind JoinKind, parts []JoinPart, limit int) []byte {
	if kind == OneOK {
		return joinOneOK(dst, parts)
	}
	for i := range parts {
		if reply := parts[i].Reply; len(reply) > 0 && reply[0] == '-' {
			return append(dst, reply...)
		}
	}
	switch kind {
	case Ordered:
		return joinOrdered(dst, parts)
	case Sum, Least:
		return joinIntegers(dst, kind, parts)
	case AllOK, Same:
		return joinAlike(dst, kind, parts)
	case AnyOf:
		return joinAnyOf(dst, parts)
	case EachTrue:
		return joinEachTrue(dst, parts)
	case Texts:
		return joinTexts(dst, parts)
	case Union:
		return joinUnion(dst, parts)
	case SumPairs:
		return joinPairs(dst, parts)
	default:
		return joinArrays(dst, kind, parts, limit)
	}
}

const joinShape = "ERR evergate: the replies of the servers cannot be merged; the command may have been executed"

func joinIntegers(dst []byte, kind JoinKind, parts []JoinPart) []byte {
	var sum int64
	for i, p := range parts {
		v, ok := Int(p.Reply)
		switch {
		case !ok:
			return AppendError(dst, joinShape)
		case kind == Sum:
			sum += v
		case i == 0 || v < sum:
			sum = v
		}
	}
	return redcon.AppendInt(dst, sum)
}

// ofOne begins an array of one element: what follows in a reply is that element.
const ofOne = "*1\r\n"

func joinOrdered(dst []byte, parts []JoinPart) []byte {
	total := 0
	for i := range parts {
		total += len(parts[i].Places)
	}
	var few [128][]byte
	var single [4][]byte
	elements, found := few[:min(total, len(few))], single[:0]
	if total > len(few) {
		elements = make([][]byte, total)
	}
	for i := range parts {
		p := &parts[i]
		ok := len(p.Reply) > len(ofOne) && string(p.Reply[:len(ofOne)]) == ofOne
		if ok {
			found = append(found[:0], p.Reply[len(ofOne):])
		} else {
			found, ok = appendElementsOf(found[:0], p.Reply)
		}
		if !ok || len(found) != len(p.Places) {
			return AppendError(dst, joinShape)
		}
		for i, place := range p.Places {
			if place < 0 || place >= total || elements[place] != nil {
				return AppendError(dst, joinShape)
			}
			elements[place] = found[i]
		}
	}
	return appendElements(dst, elements)
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
		n, done, err := s.Scan(rest)
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

package resp

import "github.com/tidwall/redcon"

// JoinKind is the rule by which the replies to the parts of one request become one reply.
type JoinKind uint8

const (
	// Ordered puts array elements at the places that the parts name.
	Ordered JoinKind = iota
	// Sum adds integers.
	Sum
	// AllOK is the first part's status if every part is a status.
	AllOK
	// Union is the union of the elements of arrays: equal ones appear once.
	Union
	// SumPairs adds the numbers that follow equal names. The parts have the same names in the same order.
	SumPairs
	// Concat concatenates arrays.
	Concat
	// AnyOf is the first part that is not null, or null.
	AnyOf
	// EachTrue is the smallest integer at each place of arrays of one length.
	EachTrue
	// Same is the first part, if all parts are equal.
	Same
	// OneOK is the first part that is a status. If there is none, it is the first error that is not NOTBUSY, or else the
	// first error.
	OneOK
	// Least is the smallest integer.
	Least
	// Newest sorts the elements of arrays by the integers at their second places, largest first, and keeps the first limit
	// of them.
	Newest
	// Texts concatenates strings, each under its part's name.
	Texts
)

// JoinPart is one part's reply, for Ordered the place of each of its elements in the joined array, and for Texts its
// name.
type JoinPart struct {
	Reply  []byte
	Places []int
	Name   string
}

// Take takes the reply, which is not copied.
func (p *JoinPart) Take(reply []byte) { p.Reply = reply }

// Join appends one well-formed reply made of the parts, of which there must be at least one. An error in any part is
// the reply, except for OneOK. Parts without the form that the kind requires lead to an error, never to a wrong reply.
// limit is for Newest alone; a negative one keeps all. The result of Texts is a bulk string in RESP2 and RESP3 alike.
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

// ofOne is the head of an array of one element, which follows.
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

// Replace appends an array with other elements at some places, which must be in ascending order. It appends an error if
// array is no array or has too few elements.
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

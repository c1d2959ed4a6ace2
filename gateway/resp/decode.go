package resp

import "bytes"

// decodeDepth is the deepest nesting of values in a reply: COMMAND INFO has 8 levels.
const decodeDepth = 16

// Decode returns a whole reply as values: a string or an int64, nil for a null, and a []any for an aggregate; a map
// becomes its keys and values alternating, as in RESP2. Doubles, booleans and big numbers are strings. ok is false for
// an error, for too deep a nesting, and for anything but one whole reply. It copies, and is for the few replies that
// the gateway itself reads.
func Decode(reply []byte) (value any, ok bool) {
	var s ReplyScanner
	if n, done, err := s.Scan(reply); err != nil || !done || n != len(reply) {
		return nil, false
	}
	return decode(reply, decodeDepth)
}

// decode is Decode for a reply that is known to be whole.
func decode(reply []byte, depth int) (value any, ok bool) {
	if IsNull(reply) {
		return nil, true
	}
	switch reply[0] {
	case '+', '$', '=':
		text, ok := String(reply)
		return string(text), ok
	case ':':
		return Int(reply)
	case ',', '#', '(':
		return string(reply[1 : len(reply)-2]), true
	case '*', '~', '>', '%':
		each := int64(1)
		if reply[0] == '%' {
			each = 2
		}
		elements, ok := appendValues(nil, reply, each)
		if !ok || depth == 0 {
			return nil, false
		}
		values := make([]any, len(elements))
		for i, e := range elements {
			if values[i], ok = decode(e, depth-1); !ok {
				return nil, false
			}
		}
		return values, true
	}
	return nil, false
}

// IsNull reports whether a reply is a null: of RESP3, or that of a string or an array in RESP2.
func IsNull(reply []byte) bool {
	return len(reply) > 1 && (reply[0] == '_' || reply[1] == '-' && (reply[0] == '$' || reply[0] == '*'))
}

// lacksBytes is the longest reply whose elements Lacks inspects, in bytes.
const lacksBytes = 4 << 10

// Lacks reports whether a reply may be that of a missing key: it is a null, false, empty, a number that is not
// positive, or an aggregate whose first element is such a reply, or one of at most lacksBytes with a null among its
// elements. Within elements it may take a text for a null.
func Lacks(reply []byte) bool {
	switch reply[0] {
	case '*', '~', '%', '>':
		if lacksOne(reply) {
			return true
		}
		_, elements, _ := bytes.Cut(reply, []byte("\r\n"))
		return len(elements) > 1 && lacksOne(elements) ||
			len(reply) <= lacksBytes && (bytes.Contains(reply, []byte("\n$-1\r\n")) || bytes.Contains(reply, []byte("\n_\r\n")))
	}
	return lacksOne(reply)
}

// lacksOne reports whether what a reply begins with is a null, false, empty, or a number that is not positive.
func lacksOne(reply []byte) bool {
	switch reply[0] {
	case '_':
		return true
	case '#':
		return reply[1] == 'f'
	case '$', ':', '*', '~', '%', '>':
		return reply[1] == '-' || reply[1] == '0'
	}
	return false
}

// Ints returns the number of a reply, or those of an array of numbers.
func Ints(reply []byte) (all []int64, ok bool) {
	if n, ok := Int(reply); ok {
		return []int64{n}, true
	}
	elements, ok := Elements(reply)
	for _, e := range elements {
		n, is := Int(e)
		all, ok = append(all, n), ok && is
	}
	return all, ok
}

package resp

// Elements cuts an array that has come whole into the frames of its elements, which alias it. ok is false when reply is
// no array, or has something behind it.
func Elements(reply []byte) (elements [][]byte, ok bool) {
	if len(reply) == 0 || reply[0] != '*' {
		return nil, false
	}
	count, next, ok, whole := number(reply, 1)
	if !ok || !whole || count < 0 || count > int64(len(reply)) {
		return nil, false
	}
	elements = make([][]byte, 0, count)
	rest := reply[next:]
	for range count {
		var s ReplyScanner
		n, done, err := s.Feed(rest)
		if err != nil || !done {
			return nil, false
		}
		elements = append(elements, rest[:n])
		rest = rest[n:]
	}
	return elements, len(rest) == 0
}

// Integer reads an integer that has come whole.
func Integer(reply []byte) (v int64, ok bool) {
	if len(reply) < 4 || reply[0] != ':' {
		return 0, false
	}
	return parseInt(reply[1 : len(reply)-2])
}

// String gives the bytes of a bulk, simple or verbatim string that has come whole; they alias it. A null is none.
func String(reply []byte) (value []byte, ok bool) {
	if len(reply) < 3 {
		return nil, false
	}
	switch reply[0] {
	case '+':
		return reply[1 : len(reply)-2], true
	case '$', '=':
		n, next, ok, whole := number(reply, 1)
		if !ok || !whole || n < 0 || int64(len(reply)-next-2) != n || reply[0] == '=' && n < 4 {
			return nil, false
		}
		value = reply[next : len(reply)-2]
		if reply[0] == '=' {
			value = value[4:]
		}
		return value, true
	}
	return nil, false
}

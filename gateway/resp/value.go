package resp

// String returns the bytes of a whole bulk, simple or verbatim string; they alias the reply. ok is false for anything
// else, a null included.
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

package routing

import "slices"

// span is a range of argument positions: first, first+step, ... up to and including last. It is empty if last < first.
type span struct{ first, last, step int }

// none is the span without positions.
var none = span{first: 1, last: 0, step: 1}

// one is the span of a single position.
func one(at int) span { return span{at, at, 1} }

func (s span) count() int {
	if s.last < s.first {
		return 0
	}
	return (s.last-s.first)/s.step + 1
}

// Keys appends to into the positions in args of the keys (and of the channels of sharded pub/sub), args[0] being the
// command's name. BY and GET patterns of SORT are not keys. ok is false, and nothing is appended, if the arguments do
// not show where the keys are: a number of keys that is no number, is negative or does not fit, a missing STREAMS, an
// odd number of what follows it, too few arguments. Servers reject all these. For a learnt command a position may come
// twice, and ok is also false if only its server knows the keys.
func (c *Command) Keys(args [][]byte, into []int) (keys []int, ok bool) {
	switch {
	case c.asked:
		return into, false
	case c.Form == Specified:
		return c.specified(args, into)
	}
	a, b, ok := c.spans(args)
	if !ok {
		return into, false
	}
	for _, s := range [...]span{a, b} {
		for at := s.first; at <= s.last; at += s.step {
			into = append(into, at)
		}
	}
	return into, true
}

// ReadsUnnamed reports whether a read is of more than the keys that Keys finds: of those of BY and GET patterns, or of
// its server.
func (c *Command) ReadsUnnamed(args [][]byte) bool {
	if c == nil || c.ID != CmdSortRO {
		return c != nil && c.Has(OfServer)
	}
	return slices.ContainsFunc(args[2:], func(word []byte) bool { return is(word, "by") || is(word, "get") })
}

// spans returns where the keys are: in at most two ranges, for every form.
func (c *Command) spans(args [][]byte) (a, b span, ok bool) {
	a, b = none, none
	if c.First > 0 {
		if a, ok = c.fixed(len(args)); !ok {
			return none, none, false
		}
	}
	switch c.Form {
	case Counted:
		b, ok = countedKeys(args, c.Count, 1)
		return a, b, ok
	case CountedPairs:
		b, ok = countedKeys(args, c.Count, 2)
		return a, b, ok
	case SortStore:
		b = sortStore(args)
	case GeoStore:
		// Options follow the arguments that must be there.
		b = geoStore(args, -c.Arity)
	case Streams:
		b, ok = streamKeys(args)
		return a, b, ok
	case MigrateKeys:
		if len(args[c.First]) == 0 {
			b, ok = migrateKeys(args)
			return none, b, ok
		}
	}
	return a, b, true
}

// fixed returns the range First, Last, Step for n arguments.
func (c *Command) fixed(n int) (s span, ok bool) {
	last := c.Last
	if last < 0 {
		last += n
	}
	if c.First >= n || last >= n || last < c.First {
		return none, false
	}
	return span{c.First, last, c.Step}, true
}

// countedKeys parses the number of keys at position count; the keys follow it, each with its values: step words.
func countedKeys(args [][]byte, count, step int) (s span, ok bool) {
	if count >= len(args) {
		return none, false
	}
	n, ok := number(args[count])
	if !ok || n > (len(args)-count-1)/step {
		return none, false
	}
	return span{count + 1, count + 1 + (n-1)*step, step}, true
}

// number parses a number of keys: decimal digits without sign or leading zeros, below 10 million (no command has so
// many arguments).
func number(word []byte) (n int, ok bool) {
	if len(word) == 0 || len(word) > 7 || (word[0] == '0' && len(word) > 1) {
		return 0, false
	}
	for _, b := range word {
		if b < '0' || b > '9' {
			return 0, false
		}
		n = n*10 + int(b-'0')
	}
	return n, true
}

// sortStore finds the destination of SORT: of several STOREs the last one counts, as in the server.
func sortStore(args [][]byte) span {
	found := none
	for i := 2; i < len(args); i++ {
		switch {
		case is(args[i], "limit"):
			i += 2
		case is(args[i], "get"), is(args[i], "by"):
			i++
		case is(args[i], "store") && i+1 < len(args):
			i++
			found = one(i)
		}
	}
	return found
}

// geoStore finds the arguments of the first STORE and the first STOREDIST of GEORADIUS and GEORADIUSBYMEMBER, whose
// options begin at from. Servers look for both, though a command with both is an error.
func geoStore(args [][]byte, from int) span {
	store, dist := 0, 0
	for i := from; i+1 < len(args); i++ {
		switch {
		case is(args[i], "store"):
			i++
			if store == 0 {
				store = i
			}
		case is(args[i], "storedist"):
			i++
			if dist == 0 {
				dist = i
			}
		}
	}
	switch low, high := min(store, dist), max(store, dist); {
	case high == 0:
		return none
	case low == 0:
		return one(high)
	default:
		return span{low, high, high - low}
	}
}

// streamOptions parses the options of XREAD and XREADGROUP: at is the position after STREAMS, block that of BLOCK's
// argument, which may be missing; each is 0 without such an option.
func streamOptions(args [][]byte) (at, block int) {
	for i := 1; i < len(args); i++ {
		switch {
		case is(args[i], "streams"):
			return i + 1, block
		case is(args[i], "block"):
			i++
			block = i
		case is(args[i], "count"):
			i++
		case is(args[i], "group"):
			i += 2
		}
	}
	return 0, block
}

// streamKeys returns the first half of the arguments after STREAMS; the second half are IDs.
func streamKeys(args [][]byte) (s span, ok bool) {
	at, _ := streamOptions(args)
	n := len(args) - at
	if at == 0 || n == 0 || n%2 != 0 {
		return none, false
	}
	return span{at, at + n/2 - 1, 1}, true
}

// migrateKeys returns the arguments of the KEYS option of MIGRATE.
func migrateKeys(args [][]byte) (s span, ok bool) {
	for i := 6; i+1 < len(args); i++ {
		switch {
		case is(args[i], "keys"):
			return span{i + 1, len(args) - 1, 1}, true
		case is(args[i], "auth"):
			i++
		case is(args[i], "auth2"):
			i += 2
		}
	}
	return none, false
}

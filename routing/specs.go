package routing

// KeySpec is one key specification of a command, as servers report it since Redis 7.0: where to begin (begin_search),
// and which arguments from there on are keys (find_keys). A channel of sharded pub/sub, or a cursor with a slot, is
// reported as "not a key"; for the routing of a request it counts as one.
type KeySpec struct {
	// Keyword, in lower case, is the argument after which the keys begin; its case does not matter. The search begins at
	// the position From, or, if that is negative, so far before the end and goes backwards. If it is missing, there are no
	// keys of this kind. Without a Keyword the keys begin at the position Index.
	Keyword     string
	From, Index int
	// Numbered: the argument at NumberAt is the number of keys, of which the first is at First; both count from where the
	// keys begin. Otherwise the last key is at Last, counted from where the keys begin, or, if negative, from the end. A
	// Limit of 2 or more means that only the first of so many parts are keys.
	Numbered        bool
	NumberAt, First int
	Last, Limit     int
	// Step is the distance from one key to the next.
	Step int
	// Unknown: the server cannot specify the keys, or not all of them.
	Unknown bool
	// Access is what the command does with these keys.
	Access KeyAccess
}

// usable reports whether a server's numbers are valid.
func (k *KeySpec) usable() bool {
	for _, n := range [...]int{k.From, k.Index, k.NumberAt, k.First, k.Last, k.Limit, k.Step} {
		if n <= -farthest || n >= farthest {
			return false
		}
	}
	begins := k.Keyword != "" && k.From != 0 || k.Keyword == "" && k.Index > 0
	ends := k.Numbered && k.NumberAt >= 0 && k.First >= 0 ||
		!k.Numbered && k.Limit >= 0 && (k.Limit < 2 || k.Last == -1)
	return !k.Unknown && k.Step > 0 && begins && ends
}

// span finds the keys among the arguments, as servers do. ok is false if the arguments do not show them.
func (k *KeySpec) span(args [][]byte) (s span, ok bool) {
	begin := k.Index
	if k.Keyword != "" {
		if begin = k.behindKeyword(args); begin == 0 {
			return none, true
		}
	}
	s = span{begin, begin + k.Last, k.Step}
	switch {
	case k.Numbered && begin+k.NumberAt < len(args):
		n, ok := number(args[begin+k.NumberAt])
		if !ok {
			return none, false
		}
		if n == 0 {
			return none, true
		}
		s.first = begin + k.First
		s.last = s.first + (n-1)*k.Step
	case k.Numbered:
		return none, false
	case k.Last < 0 && k.Limit > 1:
		s.last = begin + (len(args)-begin)/k.Limit - 1
	case k.Last < 0:
		s.last = len(args) + k.Last
	}
	if s.first >= len(args) || s.last >= len(args) || s.last < s.first {
		return none, false
	}
	return s, true
}

// behindKeyword returns the position after the keyword; 0 if it is missing.
func (k *KeySpec) behindKeyword(args [][]byte) int {
	for i := k.From; 0 < i && i < len(args)-1; i++ {
		if is(args[i], k.Keyword) {
			return i + 1
		}
	}
	if k.From < 0 {
		for i := len(args) + k.From; 1 < i && i < len(args); i-- {
			if is(args[i], k.Keyword) {
				return i + 1
			}
		}
	}
	return 0
}

// specified returns the keys of a learnt command that has specifications, in their order; a position may come twice. ok
// is false if only its server knows.
func (c *Command) specified(args [][]byte, into []int) (keys []int, ok bool) {
	had := len(into)
	for i := range c.specs {
		s, ok := c.specs[i].span(args)
		if !ok {
			return into[:had], false
		}
		for at := s.first; at <= s.last; at += s.step {
			into = append(into, at)
		}
	}
	return into, true
}

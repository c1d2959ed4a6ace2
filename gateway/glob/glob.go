// Package glob matches names with patterns by the rules of the servers (stringmatchlen in their sources): of KEYS,
// PSUBSCRIBE and the ACL.
//
//	glob.Match(pattern, name)        once
//	p := glob.Compile("app:*")       often: most patterns are a name or a prefix, which cost one comparison
//	p.Match(name)
//
// A star matches any bytes, but the empty name is matched by the empty pattern alone. Bytes are compared as they are,
// without regard to letters' case. Any pattern is allowed: an unclosed set ends with it, and a match takes at most the
// product of both lengths, without recursion.
package glob

import "strings"

// Pattern is a compiled pattern. The zero value is the empty pattern.
type Pattern struct {
	text string
	// literal is what a name equals, or begins with if kind is prefix.
	literal string
	kind    kind
}

type kind uint8

const (
	exact kind = iota
	prefix
	general
)

// Compile returns the pattern of a text. There are no malformed ones.
func Compile(text string) Pattern {
	stem := strings.TrimRight(text, "*")
	switch {
	case strings.ContainsAny(stem, `*?[\`):
		return Pattern{text: text, kind: general}
	case len(stem) < len(text):
		return Pattern{text: text, literal: stem, kind: prefix}
	}
	return Pattern{text: text, literal: text, kind: exact}
}

// String returns the text of the pattern.
func (p *Pattern) String() string { return p.text }

// Match reports whether the pattern matches a name.
func (p *Pattern) Match(name []byte) bool {
	switch p.kind {
	case prefix:
		return len(name) >= len(p.literal) && string(name[:len(p.literal)]) == p.literal && len(name) > 0
	case exact:
		return string(name) == p.literal
	}
	return Match(p.text, name)
}

// Match reports whether a pattern matches a name.
func Match[T []byte | string](pattern T, name []byte) bool {
	if len(name) == 0 {
		return len(pattern) == 0
	}
	// Of several stars only the last one must be tried with more bytes: what an earlier one leaves to the later ones
	// gets no better when it takes more. retry is the pattern after that star, and from the name after its bytes.
	var retry T
	var from []byte
	starred, rest := false, pattern
	for len(name) > 0 {
		if len(rest) > 0 && rest[0] == '*' {
			if rest = afterStars(rest); len(rest) == 0 {
				return true
			}
			starred, retry, from = true, rest, name
			continue
		}
		if len(rest) > 0 {
			if after, ok := matchOne(rest, name[0]); ok {
				rest, name = after, name[1:]
				continue
			}
		}
		if !starred {
			return false
		}
		from = from[1:]
		rest, name = retry, from
	}
	return len(afterStars(rest)) == 0
}

// MayBegin reports whether a pattern may match names that begin with a prefix. True is not certain, false is.
func MayBegin(pattern, prefix []byte) bool {
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

// afterStars returns a pattern without the stars at its beginning.
func afterStars[T []byte | string](pattern T) T {
	for len(pattern) > 0 && pattern[0] == '*' {
		pattern = pattern[1:]
	}
	return pattern
}

// matchOne matches one byte with the beginning of a pattern, which is no star, and returns the rest of the pattern.
func matchOne[T []byte | string](pattern T, c byte) (rest T, ok bool) {
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
func matchSet[T []byte | string](pattern T, c byte) (rest T, ok bool) {
	not := len(pattern) > 0 && pattern[0] == '^'
	if not {
		pattern = pattern[1:]
	}
	for {
		switch {
		case len(pattern) == 0:
			return pattern, ok != not
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

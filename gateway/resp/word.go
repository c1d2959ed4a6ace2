package resp

import "strings"

// IsWord reports whether an argument equals a word, given in lower case, in any case.
func IsWord(arg []byte, lower string) bool { return strings.EqualFold(string(arg), lower) }

// Cut returns at most the first n bytes of an argument, up to a NUL: the C string that Redis prints in its errors.
func Cut(arg []byte, n int) []byte {
	arg = arg[:min(len(arg), n)]
	for i, ch := range arg {
		if ch == 0 {
			return arg[:i]
		}
	}
	return arg
}

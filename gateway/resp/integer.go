package resp

import (
	"math"
	"strconv"
)

// Integer reads an argument as servers read numbers: decimal digits with at most one minus before them, no sign else,
// no zero in front and no space. ok is false for anything else, and for what is not within 64 bits.
func Integer(word []byte) (n int64, ok bool) {
	digits := word
	if len(digits) > 1 && digits[0] == '-' {
		digits = digits[1:]
	}
	if len(digits) == 0 || digits[0] < '0' || digits[0] > '9' || digits[0] == '0' && len(word) > 1 {
		return 0, false
	}
	n, err := strconv.ParseInt(string(word), 10, 64)
	return n, err == nil
}

// Timeout reads an argument that says for how many milliseconds something is to last. wrong is the servers' error for
// what is no number or negative, and for what would end after the last time that they know; now is in milliseconds
// since 1970.
func Timeout(word []byte, now int64) (ms int64, wrong []byte) {
	ms, ok := Integer(word)
	switch {
	case !ok:
		return 0, BadTimeout
	case ms < 0:
		return 0, NegativeTimeout
	case ms > math.MaxInt64-now:
		return 0, LateTimeout
	}
	return ms, nil
}

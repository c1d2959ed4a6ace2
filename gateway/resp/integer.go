package resp

import (
	"math"
	"strconv"
)

// Integer parses an argument as servers parse numbers: decimal digits with an optional minus, without plus, leading
// zeros and spaces. ok is false for anything else, and for a number beyond 64 bits.
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

// Timeout parses an argument that is a duration in milliseconds. wrong is the servers' error if it is no number,
// negative, or would end after the last time that 64 bits can represent; now is in milliseconds since 1970.
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

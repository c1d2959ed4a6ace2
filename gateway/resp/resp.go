// Package resp finds, slices, builds and joins RESP2 and RESP3 frames. It knows bytes, not commands, slots or servers.
//
//   - Scanner finds whole commands in a client's input: resumable, bounded, and with Redis's own protocol errors.
//   - ReplyScanner finds where a server's reply ends, piece by piece, so that a big one can stream through.
//   - AppendCommand, AppendError and the ready replies build; Join makes one reply of many.
//
// Frames are raw bytes: a command is forwarded as it was sent. redcon's Append functions are used; its readers are not,
// because they panic, spin or wait for ever on hostile input.
package resp

import (
	"strconv"

	"github.com/tidwall/redcon"
)

// Ready replies and commands. They are shared: never write into them.
var (
	OK         = []byte("+OK\r\n")
	Pong       = []byte("+PONG\r\n")
	NullBulk   = []byte("$-1\r\n")
	Null3      = []byte("_\r\n")
	Asking     = []byte("*1\r\n$6\r\nASKING\r\n")
	Multi      = []byte("*1\r\n$5\r\nMULTI\r\n")
	Ping       = []byte("*1\r\n$4\r\nPING\r\n")
	EmptyArray = []byte("*0\r\n")
	NullArray  = []byte("*-1\r\n")

	SyntaxError     = []byte("-ERR syntax error\r\n")
	NotInteger      = []byte("-ERR value is not an integer or out of range\r\n")
	BadTimeout      = []byte("-ERR timeout is not an integer or out of range\r\n")
	NegativeTimeout = []byte("-ERR timeout is negative\r\n")
	LateTimeout     = []byte("-ERR timeout is out of range\r\n") // its end is beyond 64 bits
)

// NullArrayIn is the null in place of an array in a protocol: 2 or 3.
func NullArrayIn(proto uint8) []byte {
	if proto == 3 {
		return Null3
	}
	return NullArray
}

// NullIn is the null in place of a text in a protocol: 2 or 3.
func NullIn(proto uint8) []byte {
	if proto == 3 {
		return Null3
	}
	return NullBulk
}

// Limits of a client's input.
type Limits struct {
	// ArgsMax is the most arguments of a command, its name included.
	ArgsMax int64
	// BulkBytesMax is the longest argument (Redis: proto-max-bulk-len).
	BulkBytesMax int64
	// LineBytesMax is the longest inline command, and the longest line that announces a count or a length.
	LineBytesMax int
	// Unauthenticated selects Redis's error texts for clients that have not authenticated.
	Unauthenticated bool
}

// LineBytes is Redis's PROTO_INLINE_MAX_SIZE.
const LineBytes = 64 << 10

// ArgsCount is the most arguments of one command, as in Redis before 7.0. Later servers accept more; clients do not
// need them.
const ArgsCount = 1 << 20

// DefaultLimits are Redis's own.
func DefaultLimits() Limits {
	return Limits{ArgsMax: ArgsCount, BulkBytesMax: 512 << 20, LineBytesMax: LineBytes}
}

// BeforeAuth are the limits for a client that has not authenticated yet (networking.c: 10 arguments, 16 KiB).
func BeforeAuth() Limits {
	return Limits{ArgsMax: 10, BulkBytesMax: 16 << 10, LineBytesMax: LineBytes, Unauthenticated: true}
}

// AppendError appends an error reply. text begins with its prefix ("ERR ..."); line ends in it become spaces, since
// they would end the reply.
func AppendError(dst []byte, text string) []byte {
	dst = append(dst, '-')
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '\r' || c == '\n' {
			c = ' '
		}
		dst = append(dst, c)
	}
	return append(dst, '\r', '\n')
}

// AppendBulk appends a bulk string.
func AppendBulk(dst, value []byte) []byte { return redcon.AppendBulk(dst, value) }

// AppendBulkString appends a bulk string.
func AppendBulkString(dst []byte, value string) []byte { return redcon.AppendBulkString(dst, value) }

// AppendInt appends an integer.
func AppendInt(dst []byte, n int64) []byte { return redcon.AppendInt(dst, n) }

// AppendArray appends the head of an array of n elements.
func AppendArray(dst []byte, n int) []byte { return redcon.AppendArray(dst, n) }

// AppendMap appends the head of a map of n pairs: a map in RESP3, a flat array in RESP2.
func AppendMap(dst []byte, proto, n int) []byte {
	if proto < 3 {
		return redcon.AppendArray(dst, 2*n)
	}
	dst = append(dst, '%')
	dst = strconv.AppendInt(dst, int64(n), 10)
	return append(dst, '\r', '\n')
}

// AppendSet appends the head of a set of n elements: a set in RESP3, an array in RESP2.
func AppendSet(dst []byte, proto, n int) []byte {
	if proto < 3 {
		return redcon.AppendArray(dst, n)
	}
	dst = append(dst, '~')
	dst = strconv.AppendInt(dst, int64(n), 10)
	return append(dst, '\r', '\n')
}

// AppendPush appends the head of a push of n elements: a push in RESP3, an array in RESP2.
func AppendPush(dst []byte, proto, n int) []byte {
	at := len(dst)
	dst = redcon.AppendArray(dst, n)
	if proto >= 3 {
		dst[at] = '>'
	}
	return dst
}

// AppendLines appends an array of simple strings, as in replies to HELP.
func AppendLines(dst []byte, lines ...string) []byte {
	dst = redcon.AppendArray(dst, len(lines))
	for _, line := range lines {
		dst = redcon.AppendString(dst, line)
	}
	return dst
}

// AppendVerbatim appends text as a RESP3 verbatim string, or as a bulk string in RESP2.
func AppendVerbatim(dst []byte, proto int, text []byte) []byte {
	if proto < 3 {
		return redcon.AppendBulk(dst, text)
	}
	dst = append(dst, '=')
	dst = strconv.AppendInt(dst, int64(len(text)+4), 10)
	dst = append(dst, "\r\ntxt:"...)
	dst = append(dst, text...)
	return append(dst, '\r', '\n')
}

// AppendCommand appends a command in its canonical form.
func AppendCommand(dst []byte, args ...[]byte) []byte {
	dst = redcon.AppendArray(dst, len(args))
	for _, a := range args {
		dst = redcon.AppendBulk(dst, a)
	}
	return dst
}

// AppendCommandStrings appends a command in its canonical form.
func AppendCommandStrings(dst []byte, args ...string) []byte {
	dst = redcon.AppendArray(dst, len(args))
	for _, a := range args {
		dst = redcon.AppendBulkString(dst, a)
	}
	return dst
}

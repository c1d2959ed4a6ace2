package resp

import (
	"bytes"
	"errors"
)

// ErrReply: a server's bytes are not RESP. Their connection must not be used any more.
var ErrReply = errors.New("reply does not parse")

// replyElementsMax bounds the elements that a reply may still announce, so that counting them cannot overflow.
const replyElementsMax = 1 << 40

// ReplyScanner finds the end of a RESP2 or RESP3 reply. It consumes every byte and keeps only numbers, so that a reply
// of any size can stream through. Nesting costs nothing: to find the end it suffices to count the outstanding elements.
// The zero value is ready for a reply.
type ReplyScanner struct {
	kind   byte   // the reply's first byte
	typ    byte   // the first byte of the element under way, 0 between elements
	skip   int64  // bytes of a bulk still to come, its CRLF included
	left   int64  // elements still to come, the one under way included
	size   int64  // bytes of the reply taken so far
	line   int    // bytes of the line under way taken so far
	value  uint64 // number of the line under way, without its sign
	digits int
	minus  bool
	cr     bool
}

// Kind returns the reply's first byte ('+', '-', '$', '*', '>', ...); 0 before it has arrived.
func (s *ReplyScanner) Kind() byte { return s.kind }

// Size returns the number of bytes of the reply so far; Size plus Coming is its least length.
func (s *ReplyScanner) Size() int64 { return s.size }

// Coming returns how many bytes of a bulk string are still missing.
func (s *ReplyScanner) Coming() int64 { return s.skip }

// Scan consumes bytes of the reply and returns how many belong to it. If done, n is the end of the reply and the
// scanner is ready for the next one; otherwise all of b belongs to it. After an error the stream cannot be used any
// more.
func (s *ReplyScanner) Scan(b []byte) (n int, done bool, err error) {
	if s.kind == 0 {
		if n = whole(b); n > 0 {
			return n, true, nil
		}
		if len(b) == 0 {
			return 0, false, nil
		}
		*s = ReplyScanner{kind: b[0], left: 1}
	}
	i := 0
	for i < len(b) {
		if s.skip > 0 {
			take := min(s.skip, int64(len(b)-i))
			s.skip -= take
			i += int(take)
			if s.skip > 0 {
				break
			}
			s.left--
		} else {
			took, ended := s.takeLine(b[i:])
			i += took
			if !ended {
				if s.typ == 0 {
					return i, false, ErrReply
				}
				break
			}
			if err := s.lineEnded(); err != nil {
				return i, false, err
			}
		}
		if s.left == 0 {
			*s = ReplyScanner{}
			return i, true, nil
		}
	}
	s.size += int64(i)
	return i, false, nil
}

// whole is the fast path: it returns the length of a reply that has arrived in full and is a status, a number, an
// error, a bulk string, or an array of few of these; 0 for all others.
func whole(b []byte) int {
	if len(b) > 0 && b[0] == '*' {
		return wholeArray(b)
	}
	return wholeScalar(b)
}

// fewElements is the most elements of an array in the fast path, which is scanned a second time if it is not complete.
const fewElements = 16

func wholeArray(b []byte) int {
	count, at := shortNumber(b, 1)
	if count < 0 || count > fewElements {
		return 0
	}
	for range count {
		n := wholeScalar(b[at:])
		if n == 0 {
			return 0
		}
		at += n
	}
	return at
}

func wholeScalar(b []byte) int {
	if len(b) < 3 {
		return 0
	}
	switch b[0] {
	case '+', ':', '-':
		if len(b) >= 5 && string(b[:5]) == "+OK\r\n" {
			return 5
		}
		i := bytes.IndexByte(b, '\n')
		if i >= 2 && bytes.IndexByte(b[:i], '\r') == i-1 {
			if b[0] == ':' {
				if _, ok := parseInt(b[1 : i-1]); !ok {
					return 0
				}
			}
			return i + 1
		}
	case '$':
		if len(b) >= 5 && string(b[:5]) == "$-1\r\n" {
			return 5
		}
		v, next := shortNumber(b, 1)
		if v < 0 || int64(len(b)-next-2) < v {
			return 0
		}
		end := next + int(v)
		if b[end] != '\r' || b[end+1] != '\n' {
			return 0
		}
		return end + 2
	}
	return 0
}

// takeLine consumes bytes of a line up to its LF. It sets typ to 0 if the line is malformed.
func (s *ReplyScanner) takeLine(b []byte) (n int, ended bool) {
	if s.line == 0 {
		s.typ, s.value, s.digits, s.minus, s.cr = b[0], 0, 0, false, false
		s.line = 1
		n = 1
		if !known(s.typ) {
			s.typ = 0
			return n, false
		}
	}
	numeric := counted(s.typ)
	for n < len(b) {
		c := b[n]
		n++
		s.line++
		switch {
		case s.cr:
			if c != '\n' {
				s.typ = 0
				return n, false
			}
			return n, true
		case c == '\r':
			s.cr = true
		case c == '\n' || numeric && !s.digit(c):
			s.typ = 0
			return n, false
		}
	}
	return n, false
}

// digit consumes one character of a number.
func (s *ReplyScanner) digit(c byte) bool {
	if c == '-' && s.digits == 0 && !s.minus {
		s.minus = true
		return true
	}
	if c < '0' || c > '9' || s.digits == 19 {
		return false
	}
	s.digits++
	s.value = s.value*10 + uint64(c-'0')
	return true
}

// lineEnded adds the elements or bytes that the line announced.
func (s *ReplyScanner) lineEnded() error {
	s.line = 0
	if !counted(s.typ) {
		s.left--
		return nil
	}
	if s.digits == 0 {
		return ErrReply
	}
	if s.value > 1<<63 || s.value == 1<<63 && !s.minus {
		return ErrReply
	}
	v := int64(s.value)
	if s.minus {
		if s.typ == ':' {
			s.left--
			return nil
		}
		if v != 1 || s.typ != '$' && s.typ != '*' {
			return ErrReply
		}
		s.left--
		return nil
	}
	if s.typ == ':' {
		s.left--
		return nil
	}
	switch s.typ {
	case '$', '=', '!':
		if v > 1<<40 {
			return ErrReply
		}
		s.skip = v + 2
	case '*', '~', '>':
		s.left += v - 1
	case '%':
		s.left += 2*min(v, replyElementsMax) - 1
	case '|': // attributes precede their element
		s.left += 2 * min(v, replyElementsMax)
	}
	if v > replyElementsMax || s.left > replyElementsMax {
		return ErrReply
	}
	return nil
}

// known reports whether c can begin an element.
func known(c byte) bool {
	switch c {
	case '+', '-', ':', '$', '*', '_', ',', '#', '!', '=', '(', '%', '~', '>', '|':
		return true
	}
	return false
}

// counted reports whether the line of an element of this kind is an integer.
func counted(c byte) bool {
	switch c {
	case ':', '$', '*', '!', '=', '%', '~', '>', '|':
		return true
	}
	return false
}

package resp

import "bytes"

// Status is the result of Scanner.Next.
type Status uint8

const (
	// More: the frame is not whole yet. Call again with the same bytes and further ones after them.
	More Status = iota
	// Frame: one whole command, exactly as it may be forwarded.
	Frame
	// Ragged: one whole command that must be rewritten before it is forwarded: an inline command, or one whose separators
	// are not CRLF (Redis ignores that, other servers may not).
	Ragged
	// Empty: bytes that are no command and get no reply (*0, *-1, an empty line). The caller drops them.
	Empty
	// Broken: a protocol error. Scanner.Err has Redis's text; the client must be closed.
	Broken
)

// Scanner finds whole commands in a client's bytes. The zero value is ready. It keeps only numbers, never bytes, and
// resumes where it stopped: each byte is scanned once, however the stream is cut.
//
// It follows processMultibulkBuffer of Redis: strict numbers, any byte after CR, and the same errors.
type Scanner struct {
	pos    int   // bytes of the current frame already understood
	bulk   int64 // length of the argument under way, -1 when its head is still to come
	left   int32 // arguments still to come; meaningful when pos > 0
	ragged bool
	err    *string
}

// Err is the text for the client after Broken, with its prefix.
func (s *Scanner) Err() string {
	if s.err == nil {
		return ""
	}
	return *s.err
}

// Started reports whether a part of a frame has been scanned.
func (s *Scanner) Started() bool { return s.pos > 0 }

// Need is how many bytes the frame under way has at least, counted from its first byte; 0 when not known. It lets a
// buffer be made once for a big argument.
func (s *Scanner) Need() int64 {
	if s.pos == 0 || s.bulk < 0 {
		return 0
	}
	return int64(s.pos) + s.bulk + 2 + int64(s.left-1)*4
}

// Next scans one command at the start of buf, which must begin with the first byte of the current frame. It returns the
// frame's length and its arguments, appended to args[:0]; they alias buf (those of an inline command with quotes do
// not). After More nothing is consumed.
func (s *Scanner) Next(buf []byte, args [][]byte, lim *Limits) (n int, out [][]byte, st Status) {
	out = args[:0]
	if len(buf) == 0 {
		return 0, out, More
	}
	resumed := s.pos > 0
	if !resumed {
		if n, out = wholeCommand(buf, out, lim); n > 0 {
			return n, out, Frame
		}
		if buf[0] != '*' {
			return s.inline(buf, out, lim)
		}
		if st = s.count(buf, lim); st != Frame {
			n = s.pos
			return n, out, s.end(st)
		}
	}
	for s.left > 0 {
		if s.bulk < 0 {
			if st = s.length(buf, lim); st != Frame {
				return 0, out, s.end(st)
			}
		}
		end := s.pos + int(s.bulk)
		if len(buf)-2 < end {
			return 0, out, More
		}
		if !resumed {
			out = append(out, buf[s.pos:end:end])
		}
		if buf[end] != '\r' || buf[end+1] != '\n' {
			s.ragged = true
		}
		s.pos = end + 2
		s.bulk = -1
		s.left--
	}
	n, st = s.pos, Frame
	if s.ragged {
		st = Ragged
	}
	if resumed {
		out = Args(buf[:n], out)
	}
	*s = Scanner{}
	return n, out, st
}

// wholeCommand is the fast path for a command that has arrived in full and has nothing unusual. It returns 0 for all
// others, which are then scanned again.
func wholeCommand(buf []byte, args [][]byte, lim *Limits) (n int, out [][]byte) {
	if len(buf) < 4 || buf[0] != '*' || lim.LineBytesMax < shortDigits+3 {
		return 0, args
	}
	left, at := shortNumber(buf, 1)
	if left < 1 || left > lim.ArgsMax {
		return 0, args
	}
	out = args
	for ; left > 0; left-- {
		if at >= len(buf) || buf[at] != '$' {
			return 0, args
		}
		var size int64
		var from int
		// Most lengths have one or two digits; a call for each would be a third of the time.
		if rest := buf[at+1:]; len(rest) > 3 && rest[1] == '\r' && rest[2] == '\n' && rest[0]-'0' <= 9 {
			size, from = int64(rest[0]-'0'), at+4
		} else if len(rest) > 4 && rest[2] == '\r' && rest[3] == '\n' && rest[0]-'1' <= 8 && rest[1]-'0' <= 9 {
			size, from = int64(rest[0]-'0')*10+int64(rest[1]-'0'), at+5
		} else {
			size, from = shortNumber(buf, at+1)
		}
		if size < 0 || size > lim.BulkBytesMax || size > int64(len(buf)-from-2) {
			return 0, args
		}
		end := from + int(size)
		if buf[end] != '\r' || buf[end+1] != '\n' {
			return 0, args
		}
		out = append(out, buf[from:end:end])
		at = end + 2
	}
	return at, out
}

// shortDigits is the most digits that shortNumber parses.
const shortDigits = 8

// shortNumber parses a number of few digits that begins at buf[i] and ends with CRLF. next is the index after that; v
// is -1 if it is no such number, or incomplete.
func shortNumber(buf []byte, i int) (v int64, next int) {
	from := i
	for ; i < len(buf) && i < from+shortDigits; i++ {
		c := buf[i] - '0'
		if c > 9 {
			break
		}
		v = v*10 + int64(c)
	}
	switch {
	case i == from, i+1 >= len(buf), buf[i] != '\r', buf[i+1] != '\n', buf[from] == '0' && i > from+1:
		return -1, 0
	}
	return v, i + 2
}

// end resets the scanner, except after More.
func (s *Scanner) end(st Status) Status {
	switch st {
	case Empty:
		*s = Scanner{}
	case Broken:
		*s = Scanner{err: s.err}
	}
	return st
}

func (s *Scanner) broken(unauthenticated bool, text string) Status {
	word := "ERR Protocol error: "
	if unauthenticated {
		word += "unauthenticated "
	}
	text = word + text
	s.err = &text
	return Broken
}

// count parses the line *N. After Empty s.pos is the number of bytes to drop.
func (s *Scanner) count(buf []byte, lim *Limits) Status {
	v, next, ok, whole := number(buf, 1)
	if tooLong(len(buf), next, whole, lim) {
		return s.broken(false, "too big mbulk count string")
	}
	if !whole {
		return More
	}
	if !ok || v > ArgsCount || v > lim.ArgsMax && !lim.Unauthenticated {
		return s.broken(false, "invalid multibulk length")
	}
	if v > lim.ArgsMax {
		return s.broken(true, "multibulk length")
	}
	if buf[next-1] != '\n' {
		s.ragged = true
	}
	s.pos, s.left, s.bulk = next, int32(v), -1
	if v <= 0 {
		n := s.pos
		*s = Scanner{}
		s.pos = n
		return Empty
	}
	return Frame
}

// length parses the line $N of the next argument.
func (s *Scanner) length(buf []byte, lim *Limits) Status {
	if s.pos >= len(buf) {
		return More
	}
	v, next, ok, whole := number(buf, s.pos+1)
	if tooLong(len(buf)-s.pos, next-s.pos, whole, lim) {
		return s.broken(false, "too big bulk count string")
	}
	if !whole {
		return More
	}
	if buf[s.pos] != '$' {
		return s.broken(false, "expected '$', got '"+string(rune(buf[s.pos]))+"'")
	}
	if ok && lim.Unauthenticated && v > lim.BulkBytesMax {
		return s.broken(true, "bulk length")
	}
	if !ok || v < 0 || v > lim.BulkBytesMax {
		return s.broken(false, "invalid bulk length")
	}
	if buf[next-1] != '\n' {
		s.ragged = true
	}
	s.pos, s.bulk = next, v
	return Frame
}

// tooLong reports whether a line is, or was before its last byte arrived, longer than allowed: the result must not
// depend on how the stream is cut.
func tooLong(have, line int, whole bool, lim *Limits) bool {
	if whole {
		have = line - 1
	}
	return have > lim.LineBytesMax
}

// number parses a decimal that begins at buf[i] and ends before a CR, as string2ll of Redis: no spaces, no plus, no
// leading zeros. next is the index after the CR and the byte that follows it; whole is false if either is still
// missing.
func number(buf []byte, i int) (v int64, next int, ok, whole bool) {
	if i+2 < len(buf) && buf[i+1] == '\r' && buf[i] >= '0' && buf[i] <= '9' {
		return int64(buf[i] - '0'), i + 3, true, true
	}
	if i > len(buf) {
		return 0, 0, false, false
	}
	cr := bytes.IndexByte(buf[i:], '\r')
	if cr < 0 || i+cr+1 >= len(buf) {
		return 0, 0, false, false
	}
	digits := buf[i : i+cr]
	v, ok = parseInt(digits)
	return v, i + cr + 2, ok, true
}

func parseInt(digits []byte) (int64, bool) {
	negative := false
	if len(digits) > 0 && digits[0] == '-' {
		negative = true
		digits = digits[1:]
	}
	if len(digits) == 0 || len(digits) > 19 || digits[0] == '0' && (len(digits) > 1 || negative) {
		return 0, false
	}
	var v uint64
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + uint64(c-'0')
	}
	if negative {
		return -int64(v), v <= 1<<63
	}
	return int64(v), v < 1<<63
}

// HeadArgs slices the beginning of a whole multibulk command into its arguments: nil stands for each that is not all
// there, and for those behind it. They alias head. Without the number of arguments it returns nil.
func HeadArgs(head []byte) [][]byte {
	left, i, ok, whole := number(head, 1)
	if !ok || !whole || left <= 0 {
		return nil
	}
	args := make([][]byte, left)
	for n := range args {
		size, next, ok, whole := number(head, i+1)
		end := next + int(size)
		if !ok || !whole || size < 0 || end > len(head) {
			break
		}
		args[n] = head[next:end:end]
		i = end + 2
	}
	return args
}

// Args slices a whole multibulk command (one that Scanner.Next called Frame or Ragged) into its arguments, appended
// to args. They alias frame.
func Args(frame []byte, args [][]byte) [][]byte {
	left, i, _, _ := number(frame, 1)
	for ; left > 0; left-- {
		size, next, _, _ := number(frame, i+1)
		i = next + int(size)
		args = append(args, frame[next:i:i])
		i += 2
	}
	return args
}

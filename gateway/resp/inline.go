package resp

import "bytes"

// The first two bytes of a client that speaks TLS: the type of a record, and the first part of its version (RFC 8446,
// 5.1). A server would wait for the end of a line that never comes.
const (
	tlsHandshake = 22
	tlsVersion   = 3
)

// inline parses a command typed as a line: words, "quoted" with escapes, or 'quoted', as sdssplitargs of Redis. It is
// rare (health checks, netcat), so it may allocate, and parses an unfinished line again from the start.
func (s *Scanner) inline(buf []byte, out [][]byte, lim *Limits) (int, [][]byte, Status) {
	if buf[0] == tlsHandshake && len(buf) > 1 && buf[1] == tlsVersion {
		return 0, out, s.broken(false, "TLS on a port without TLS")
	}
	lf := bytes.IndexByte(buf, '\n')
	if tooLong(len(buf), lf+1, lf >= 0, lim) {
		return 0, out, s.broken(false, "too big inline request")
	}
	if lf < 0 {
		return 0, out, More
	}
	line := buf[:lf]
	if len(line) > 0 && line[len(line)-1] == '\r' {
		line = line[:len(line)-1]
	}
	if nul := bytes.IndexByte(line, 0); nul >= 0 { // a C string ends here
		line = line[:nul]
	}
	out, ok := AppendWords(out, line)
	switch {
	case !ok:
		return 0, out, s.broken(false, "unbalanced quotes in request")
	case len(out) == 0:
		return lf + 1, out, Empty
	}
	return lf + 1, out, Ragged
}

// AppendWords appends the words of a line, each with its quotes and escapes resolved. ok is false if a quote does not
// end, or does not end its word.
func AppendWords(words [][]byte, line []byte) (all [][]byte, ok bool) {
	for i := 0; ; {
		for i < len(line) && isSpace(line[i]) {
			i++
		}
		if i == len(line) {
			return words, true
		}
		word, next, ok := inlineWord(line, i)
		if !ok {
			return words, false
		}
		words = append(words, word)
		i = next
	}
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// inlineWord parses the word at line[i]. A closing quote must be followed by a space or the end.
func inlineWord(line []byte, i int) (word []byte, next int, ok bool) {
	start := i
	for i < len(line) && !isSpace(line[i]) && line[i] != '"' && line[i] != '\'' {
		i++
	}
	if i == len(line) || isSpace(line[i]) {
		return line[start:i:i], i, true
	}
	word = append([]byte{}, line[start:i]...)
	for i < len(line) && !isSpace(line[i]) {
		q := line[i]
		if q != '"' && q != '\'' {
			word = append(word, q)
			i++
			continue
		}
		if word, i, ok = inlineQuoted(line, i+1, q, word); !ok {
			return nil, 0, false
		}
		return word, i, true
	}
	return word, i, true
}

// inlineQuoted parses up to the closing quote q and appends to word.
func inlineQuoted(line []byte, i int, q byte, word []byte) ([]byte, int, bool) {
	for ; i < len(line); i++ {
		c := line[i]
		switch {
		case c == q:
			i++
			return word, i, i == len(line) || isSpace(line[i])
		case c == '\\' && q == '\'' && i+1 < len(line) && line[i+1] == '\'':
			i++
			word = append(word, '\'')
		case c == '\\' && q == '"' && i+3 < len(line) && line[i+1] == 'x' && isHex(line[i+2]) && isHex(line[i+3]):
			word = append(word, unhex(line[i+2])<<4|unhex(line[i+3]))
			i += 3
		case c == '\\' && q == '"' && i+1 < len(line):
			i++
			word = append(word, unescape(line[i]))
		default:
			word = append(word, c)
		}
	}
	return nil, 0, false
}

func unescape(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'b':
		return '\b'
	case 'a':
		return '\a'
	}
	return c
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	}
	return c - 'a' + 10
}

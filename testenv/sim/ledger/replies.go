package ledger

import (
	"bytes"
	"strconv"
	"strings"
)

// private says that only one client uses the key.
func private(key string) bool { return strings.Contains(key, "}p") }

// bulk returns the text of a bulk string, or of a string in another form.
func bulk(reply []byte) string {
	if i := bytes.Index(reply, []byte("\r\n")); i >= 0 && reply[0] == '$' && i+4 <= len(reply) {
		return string(reply[i+2 : len(reply)-2])
	}
	return string(reply)
}

// elementsOf returns the bulk strings of an array.
func elementsOf(reply []byte) []string {
	var out []string
	head, rest, _ := bytes.Cut(reply, []byte("\r\n"))
	if len(head) == 0 || head[0] != '*' {
		return nil
	}
	for len(rest) > 0 && rest[0] == '$' {
		size, body, _ := bytes.Cut(rest[1:], []byte("\r\n"))
		n, err := strconv.Atoi(string(size))
		if err != nil || n < 0 || n+2 > len(body) {
			return nil
		}
		out = append(out, string(body[:n]))
		rest = body[n+2:]
	}
	return out
}

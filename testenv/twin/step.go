package main

import (
	"fmt"
	"strconv"
	"strings"

	"evergate/testenv/servers"
)

// bytes returns the bytes of a step on the wire.
func (s *step) bytes() (b []byte) {
	if s.raw != "" {
		return []byte(s.raw)
	}
	for _, words := range s.commands {
		if !s.inline || words[0] == "" {
			b = servers.AppendCommand(b, words...)
			continue
		}
		for i, word := range words {
			if i > 0 {
				b = append(b, ' ')
			}
			b = servers.AppendInlineWord(b, word)
		}
		b = append(b, "\r\n"...)
	}
	return b
}

// String returns a step as a line.
func (s *step) String() string {
	if s.raw != "" {
		return fmt.Sprintf("c%d raw %q", s.conn, s.raw)
	}
	var lines []string
	for _, words := range s.commands {
		lines = append(lines, brief(words))
	}
	how := ""
	if s.inline {
		how = " inline"
	}
	return fmt.Sprintf("c%d%s %s", s.conn, how, strings.Join(lines, " / "))
}

// frame returns a reply as a frame.
func (r reply) frame() (b []byte) {
	b = append(b, r.kind)
	switch r.kind {
	case '$', '=', '!':
		if r.text == "-1" && len(r.items) == 0 {
			return append(b, "-1\r\n"...)
		}
		b = append(strconv.AppendInt(b, int64(len(r.text)), 10), "\r\n"...)
		return append(append(b, r.text...), "\r\n"...)
	}
	b = append(append(b, r.text...), "\r\n"...)
	for _, item := range r.items {
		b = append(b, item.frame()...)
	}
	return b
}

package main

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"
)

// reply is a parsed frame. items are those of an aggregate; a map has alternating keys and values.
type reply struct {
	kind  byte
	text  string
	items []reply
}

var errNoFrame = errors.New("no frame")

// parse parses one frame, and returns the bytes after it.
func parse(b []byte) (r reply, rest []byte, err error) {
	line, rest, found := bytes.Cut(b, []byte("\r\n"))
	if !found || len(line) == 0 {
		return r, rest, errNoFrame
	}
	r.kind, r.text = line[0], string(line[1:])
	each := 1
	switch r.kind {
	case '$', '=', '!':
		n, err := strconv.Atoi(r.text)
		if err != nil || n >= 0 && n > len(rest)-2 {
			return r, rest, errNoFrame
		}
		if n >= 0 {
			r.text, rest = string(rest[:n]), rest[n+2:]
		}
	case '%', '|':
		each = 2
		fallthrough
	case '*', '~', '>':
		n, err := strconv.Atoi(r.text)
		if err != nil {
			return r, rest, errNoFrame
		}
		for range n * each {
			var item reply
			if item, rest, err = parse(rest); err != nil {
				return r, rest, err
			}
			r.items = append(r.items, item)
		}
	}
	return r, rest, nil
}

// sorted formats a reply so that aggregates of the same elements are equal in any order.
func (r reply) sorted() string {
	if len(r.items) == 0 {
		return string(r.kind) + strconv.Quote(r.text)
	}
	var words []string
	for _, item := range r.items {
		words = append(words, item.sorted())
	}
	slices.Sort(words)
	return string(r.kind) + r.text + "(" + strings.Join(words, " ") + ")"
}

// nearMax is how much numbers that depend on time may differ, in milliseconds or seconds.
const nearMax = 5000

// near reports whether two replies differ only in such numbers.
func near(a, b reply) bool {
	if a.kind != b.kind || len(a.items) != len(b.items) {
		return false
	}
	for i := range a.items {
		if !near(a.items[i], b.items[i]) {
			return false
		}
	}
	if a.text == b.text {
		return true
	}
	m, errM := strconv.ParseInt(a.text, 10, 64)
	n, errN := strconv.ParseInt(b.text, 10, 64)
	return errM == nil && errN == nil && max(m-n, n-m) <= nearMax
}

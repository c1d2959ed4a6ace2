package routing

import (
	"fmt"
	"strings"
)

// table holds all commands that are not subcommands. It is built once, before main, and only read afterwards.
var table = newIndex(concat(
	stringRows, keyspaceRows, hashRows, listRows, setRows, sortedSetRows, streamRows, geoRows, vectorRows,
	connectionRows, clusterRows, pubsubRows, scriptRows, serverRows,
))

// longestWord bounds the hashing: no command's or subcommand's name is longer.
const longestWord = 24

// index finds a row by the last part of its name: open addressing in an array at least four times as large as the
// number of rows, so that most names are found at the first probe. A map would need the name in lower case first.
type index struct {
	rows []*Command
	mask uint32
}

func newIndex(rows []*Command) *index {
	size := 4
	for size < 4*len(rows) {
		size *= 2
	}
	x := &index{rows: make([]*Command, size), mask: uint32(size - 1)}
	for _, c := range rows {
		c.word = c.Name[strings.IndexByte(c.Name, '|')+1:]
		if x.find([]byte(c.word)) != nil || len(c.word) > longestWord {
			panic(fmt.Sprintf("routing: the row %q stands twice in the table, or its name is too long", c.Name))
		}
		at := hash([]byte(c.word)) & x.mask
		for x.rows[at] != nil {
			at = (at + 1) & x.mask
		}
		x.rows[at] = c
	}
	return x
}

// hash returns the same number for a name in any case. Two names may share a number.
func hash[T []byte | string](word T) uint32 {
	h := uint32(len(word))
	for i := range len(word) {
		h = h*31 + uint32(word[i]|0x20)
	}
	return h ^ h>>5
}

func (x *index) find(word []byte) *Command {
	if len(word) > longestWord {
		return nil
	}
	for at := hash(word) & x.mask; ; at = (at + 1) & x.mask {
		c := x.rows[at]
		if c == nil || is(word, c.word) {
			return c
		}
	}
}

// is reports whether word equals lower in any case; lower is in lower case.
func is(word []byte, lower string) bool {
	if len(word) != len(lower) {
		return false
	}
	for i := range len(lower) {
		b := word[i]
		if 'A' <= b && b <= 'Z' {
			b += 'a' - 'A'
		}
		if b != lower[i] {
			return false
		}
	}
	return true
}

// Lookup finds the row of a request by its name and, if there are any, its subcommand's name, in any case. It is nil if
// the command or the subcommand is unknown; Container distinguishes these. A container without a subcommand is found as
// itself.
func Lookup(args [][]byte) *Command {
	if len(args) == 0 {
		return nil
	}
	c := table.find(args[0])
	if c == nil || c.within == nil || len(args) == 1 {
		return c
	}
	return c.within.find(args[1])
}

// Named is Lookup of a name as rows have it: "client|setname".
func Named(name string) *Command { return Lookup(words(name)) }

// Container returns the row of the command with subcommands of this name, or nil. If Lookup finds nothing and Container
// does, the subcommand is unknown.
func Container(name []byte) *Command {
	if c := table.find(name); c != nil && c.within != nil {
		return c
	}
	return nil
}

func concat(groups ...[]*Command) []*Command {
	var all []*Command
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}

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

// longestWord bounds what is hashed: no command's name, nor a subcommand's, is longer.
const longestWord = 24

// index finds a row by the last part of its name: open addressing in an array at least four times as large as the
// number of rows, so that most names are found at the first look. A map would need the name in lower case first.
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

// hash gives the same number for a name in any case. It may do so for two names as well.
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

// is reports whether word is lower, which is in lower case, in any case.
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

// Lookup finds the row of a request by its name, and by the name of its subcommand when there are such, in any case.
// It is nil when nobody knows the command or the subcommand; Container tells these apart. A container without
// a subcommand is found as itself.
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

// Container gives the row of the command that has subcommands and bears this name, or nil. When Lookup found
// nothing and Container does, the subcommand is unknown.
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

package routing

import (
	"bytes"
	"slices"
	"strings"
)

// What the servers' ACL knows of commands: their categories, and what they do with their keys.

// Category is a set of the ACL's categories of commands ("@read").
type Category uint64

// The categories, in the order in which servers list them (ACL CAT).
const (
	inKeyspace Category = 1 << iota
	inRead
	inWrite
	inSet
	inSortedSet
	inList
	inHash
	inString
	inBitmap
	inHyperLogLog
	inGeo
	inStream
	inPubSub
	inAdmin
	inFast
	inSlow
	inBlocking
	inDangerous
	inConnection
	inTransaction
	inScripting
	// firstOfModules is the first of the categories that no command of the table is in.
	firstOfModules
)

// Categories are the names of all categories, without their "@".
var Categories = []string{
	"keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap", "hyperloglog", "geo", "stream",
	"pubsub", "admin", "fast", "slow", "blocking", "dangerous", "connection", "transaction", "scripting",
}

// moduleCategories are those of the modules that Redis 8 comes with: only learnt commands are in them.
var moduleCategories = []string{"search", "json", "timeseries", "bloom", "cuckoo", "cms", "topk", "tdigest"}

// CategoryNamed returns the category of a name, in any case and without its "@"; 0 if there is none.
func CategoryNamed(name string) Category {
	for i, names := range [...][]string{Categories, moduleCategories} {
		at := slices.IndexFunc(names, func(n string) bool { return is([]byte(name), n) })
		if at >= 0 && i == 0 {
			return 1 << at
		}
		if at >= 0 {
			return firstOfModules << at
		}
	}
	return 0
}

// KeyAccess is what a command does with the value of a key.
type KeyAccess uint8

const (
	// ReadsKey: it returns or copies the value, or part of it. That a key exists, its type and its length are no part.
	ReadsKey KeyAccess = 1 << iota
	// WritesKey: it inserts, updates or deletes the value, or part of it.
	WritesKey
	// notKey: a channel of sharded pub/sub, or a cursor with a slot.
	notKey
	// varies: the arguments decide; see accessOf.
	varies
)

// Key is the position of a key among a command's arguments, and what the command does with it.
type Key struct {
	At     int
	Access KeyAccess
}

// AccessedKeys appends to into the keys of a request, as Keys does, with what the command does with each; channels are
// left out. ok is false if the arguments do not show the keys.
func (c *Command) AccessedKeys(args [][]byte, into []Key) (keys []Key, ok bool) {
	switch {
	case c.asked:
		return into, false
	case c.Form == Specified:
		return c.accessedBySpec(args, into)
	}
	a, b, ok := c.spans(args)
	if !ok {
		return into, false
	}
	for _, s := range [...]span{a, b} {
		for at := s.first; at <= s.last; at += s.step {
			if access := c.accessOf(at, args); access&notKey == 0 {
				into = append(into, Key{at, access})
			}
		}
	}
	if c.Form == GeoStore {
		into = c.alsoStores(args, into)
	}
	return into, true
}

// alsoStores adds the destinations of a GEORADIUS that names several: a server writes to the last of them, and its own
// ACL looks at the first.
func (c *Command) alsoStores(args [][]byte, into []Key) []Key {
	for i := -c.Arity; i+1 < len(args); i++ {
		if is(args[i], "store") || is(args[i], "storedist") {
			i++
			if !slices.ContainsFunc(into, func(k Key) bool { return k.At == i }) {
				into = append(into, Key{i, c.others})
			}
		}
	}
	return into
}

// OnlyKey returns the key of a request for a command with exactly one, at a fixed position; ok is false for others.
func (c *Command) OnlyKey(args [][]byte) (key Key, ok bool) {
	if c.Form != Ranged || c.First != c.Last || c.First == 0 || c.First >= len(args) || c.asked {
		return Key{}, false
	}
	access := c.accessOf(c.First, args)
	return Key{c.First, access}, access&notKey == 0
}

// accessOf returns what a command does with the key at a position, if it has no key specifications.
func (c *Command) accessOf(at int, args [][]byte) KeyAccess {
	if at != c.First {
		return c.others
	}
	if c.first&varies == 0 {
		return c.first
	}
	switch c.ID {
	case CmdSet:
		for _, option := range args[min(3, len(args)):] {
			if is(option, "get") {
				return ReadsKey | WritesKey
			}
		}
		return WritesKey
	case CmdBitField:
		if bitFieldReads(args) {
			return ReadsKey
		}
	}
	return ReadsKey | WritesKey
}

// SortPattern returns the position of the first pattern of a SORT that names further keys, which nobody knows before:
// that of BY, or of GET. 0 is none. Servers read the options up to the first wrong one, and so does this.
func (c *Command) SortPattern(args [][]byte) (at int, by bool) {
	for i := 2; i < len(args); i++ {
		left := len(args) - i - 1
		switch option := args[i]; {
		case is(option, "asc"), is(option, "desc"), is(option, "alpha"):
		case is(option, "limit") && left >= 2:
			i += 2
		case is(option, "store") && left >= 1 && c.ID == CmdSort:
			i++
		case is(option, "by") && left >= 1:
			if i++; bytes.IndexByte(args[i], '*') >= 0 {
				return i, true
			}
		case is(option, "get") && left >= 1:
			return i + 1, false
		default:
			return 0, false
		}
	}
	return 0, false
}

// bitFieldReads reports whether all operations of a BITFIELD are GETs.
func bitFieldReads(args [][]byte) bool {
	for i := 2; i < len(args); i++ {
		switch left := len(args) - i - 1; {
		case is(args[i], "get") && left >= 2:
			i += 2
		case is(args[i], "overflow") && left >= 1:
			i++
		default:
			return false
		}
	}
	return true
}

// accessedBySpec is AccessedKeys of a command that was learnt with key specifications.
func (c *Command) accessedBySpec(args [][]byte, into []Key) (keys []Key, ok bool) {
	had := len(into)
	for i := range c.specs {
		spec := &c.specs[i]
		s, ok := spec.span(args)
		if !ok {
			return into[:had], false
		}
		for at := s.first; at <= s.last && spec.Access&notKey == 0; at += s.step {
			into = append(into, Key{at, spec.Access})
		}
	}
	return into, true
}

// learnAccess notes what a learnt command does with its keys. Without specifications the flags of the whole command
// must do.
func (c *Command) learnAccess() {
	if c.first = ReadsKey | WritesKey; c.Has(Read) {
		c.first = ReadsKey
	}
	c.others = c.first
}

// HasKeys reports whether a request for the command may name keys.
func (c *Command) HasKeys() bool {
	return c.asked || c.Form != Ranged || c.First > 0 && c.first&notKey == 0
}

// InRules returns the row of a command as rules of the ACL name it: "get", "config|get", in any case; nil if there is
// none.
func InRules(name string) *Command {
	args := words(name)
	c := Lookup(args)
	if c == nil && is(args[0], sentinel.Name) {
		c = sentinel.Of(args)
	}
	// POST and Host: have rows, but are no commands; of too many words Lookup sees the first ones.
	if c == nil || c.ID == CmdPost || c.ID == CmdHost || !strings.EqualFold(c.Name, name) {
		return nil
	}
	return c
}

// Rows returns all rows of the table, each container before its subcommands, and those of SENTINEL: the row at i has
// the Index i+1.
func Rows() []*Command { return rows }

var rows []*Command

// Subcommands returns the rows of a container's subcommands.
func (c *Command) Subcommands() (all []*Command) {
	if c.within == nil {
		return nil
	}
	for _, sub := range c.within.rows {
		if sub != nil {
			all = append(all, sub)
		}
	}
	return all
}

// number the rows, and give them their groups and what the ACL knows of them.
func init() {
	for _, c := range append(table.rows[:len(table.rows):len(table.rows)], sentinel) {
		if c != nil {
			rows = append(append(rows, c), c.Subcommands()...)
		}
	}
	for i, c := range rows {
		c.Index = uint16(i + 1)
	}
	numberGroups()
	for _, known := range accessRows {
		c := named(known.name)
		c.Categories, c.first, c.others = known.in, known.first, known.others
	}
}

package main

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// step is what one connection sends at once: commands, or raw bytes.
type step struct {
	conn     int
	commands [][]string
	inline   bool
	raw      string
	// silent: CLIENT REPLY is first and last, so that only the last command gets a reply.
	silent bool
}

const conns = 3

// generator makes programs, which depend on its dice and the server's grammar alone.
type generator struct {
	dice    *rand.Rand
	grammar []command
	keys    int // how many keys must follow a number of keys; 0 without one
	group   string
}

// program returns a number of commands, over all connections.
func (g *generator) program(commands int) (steps []step) {
	for i := range conns {
		if i > 0 && (i == 1 || g.dice.IntN(2) > 0) {
			steps = append(steps, step{conn: i, commands: [][]string{{"HELLO", "3"}}})
		}
	}
	for n := 0; n < commands; {
		s := g.step()
		steps = append(steps, s)
		n += max(len(s.commands), 1)
	}
	return steps
}

func (g *generator) step() step {
	s := step{conn: g.dice.IntN(conns)}
	switch g.dice.IntN(100) {
	case 0:
		s.raw = pick(g, broken)
		return s
	case 1:
		s.silent = true
		how := pick(g, []string{"SKIP", "OFF"})
		s.commands = append(s.commands, []string{"CLIENT", "REPLY", how}, g.ordinary())
		if how == "OFF" {
			s.commands = append(s.commands, g.ordinary(), []string{"CLIENT", "REPLY", "ON"})
		} else {
			s.commands = append(s.commands, []string{"PING", "heard"})
		}
		return s
	case 2, 3, 4, 5:
		s.commands = g.transaction()
	default:
		for range 1 + max(0, g.dice.IntN(12)-6) {
			s.commands = append(s.commands, g.one())
		}
	}
	s.inline = g.dice.IntN(20) == 0
	return s
}

// transaction returns one from its beginning to its end, or nearly.
func (g *generator) transaction() (all [][]string) {
	if g.dice.IntN(3) == 0 {
		all = append(all, []string{"WATCH", g.key(), g.key()})
		if g.dice.IntN(2) == 0 {
			all = append(all, g.one())
		}
	}
	all = append(all, []string{"MULTI"})
	for range g.dice.IntN(5) {
		all = append(all, g.one())
	}
	if g.dice.IntN(8) > 0 {
		all = append(all, []string{pick(g, []string{"EXEC", "EXEC", "EXEC", "EXEC", "DISCARD", "RESET"})})
	}
	return all
}

// one returns a command, valid or not.
func (g *generator) one() []string {
	words := g.whole()
	if g.dice.IntN(12) == 0 {
		words = tame(g.corrupt(words))
	}
	if g.dice.IntN(10) == 0 {
		words[0] = strings.ToLower(words[0])
	}
	return words
}

func (g *generator) whole() []string {
	if g.dice.IntN(6) > 0 {
		return g.ordinary()
	}
	return g.special()
}

// ordinary returns a command that follows the grammar.
func (g *generator) ordinary() []string {
	c := &g.grammar[g.dice.IntN(len(g.grammar))]
	for slices.Contains(rare, c.group) && g.dice.IntN(4) > 0 {
		c = &g.grammar[g.dice.IntN(len(g.grammar))]
	}
	words := []string{strings.ToUpper(c.words[0])}
	for _, word := range c.words[1:] {
		words = append(words, strings.ToUpper(word))
	}
	g.group, g.keys = c.group, 0
	for _, a := range c.args {
		words = g.argument(a, words)
	}
	return tame(words)
}

// rare are the groups whose commands are less interesting.
var rare = []string{"server", "connection", "cluster", "pubsub", "scripting", "transactions"}

func (g *generator) argument(a argument, words []string) []string {
	if a.optional && g.dice.IntN(5) > 1 {
		return words
	}
	times := 1
	if a.multiple {
		times += g.dice.IntN(3)
	}
	if a.kind == "key" && g.keys > 0 {
		times, g.keys = g.keys, 0
	}
	for i := range times {
		if a.token != "" && (i == 0 || a.tokens) {
			words = append(words, a.token)
		}
		switch a.kind {
		case "pure-token":
		case "oneof":
			words = g.argument(a.args[g.dice.IntN(len(a.args))], words)
		case "block":
			for _, within := range a.args {
				words = g.argument(within, words)
			}
		default:
			words = append(words, g.value(a))
		}
	}
	return words
}

func (g *generator) value(a argument) string {
	name := strings.ToLower(a.name)
	switch {
	case a.kind == "key":
		return g.key()
	case name == "numkeys":
		g.keys = 1 + g.dice.IntN(3)
		return string(rune('0' + g.keys))
	case strings.Contains(name, "seconds"), a.kind == "unix-time":
		return pick(g, far)
	case name == "timeout", name == "milliseconds-block":
		return "0.01"
	case strings.Contains(name, "idle"), strings.Contains(name, "ms"):
		return pick(g, []string{"0", "0", "100000000"})
	case name == "id", name == "start" && g.group == "stream", name == "end" && g.group == "stream":
		return pick(g, ids)
	case a.kind == "integer":
		return pick(g, integers)
	case a.kind == "double":
		return pick(g, doubles)
	case a.kind == "pattern":
		return pick(g, patterns)
	case name == "channel", name == "shardchannel":
		return pick(g, []string{"silent", "hush"}) // these have no subscriber
	case name == "cursor":
		return "0"
	}
	return pick(g, strings2)
}

// key returns a key, usually of a type that fits.
func (g *generator) key() string {
	if kind, is := kinds[g.group]; is && g.dice.IntN(8) > 0 {
		return kind + pick(g, []string{"1", "2", "3"})
	}
	return pick(g, []string{"s", "l", "h", "t", "z", "x", "g", "b", "p", "none"}) + pick(g, []string{"1", "2", "3"})
}

var kinds = map[string]string{
	"string": "s", "list": "l", "hash": "h", "set": "t", "sorted-set": "z", "sorted_set": "z", "stream": "x",
	"geo":    "g",
	"bitmap": "b", "hyperloglog": "p",
}

// corrupt breaks a command somewhere.
func (g *generator) corrupt(words []string) []string {
	words = slices.Clone(words)
	at := g.dice.IntN(len(words))
	switch g.dice.IntN(6) {
	case 0:
		if len(words) > 1 {
			at = max(at, 1)
			return append(words[:at], words[at+1:]...)
		}
	case 1:
		return slices.Insert(words, at+1, pick(g, junk))
	case 2:
		return append(words, pick(g, junk))
	case 3:
		words[max(at, min(1, len(words)-1))] = pick(g, junk)
	case 4:
		other := g.dice.IntN(len(words))
		if at > 0 && other > 0 {
			words[at], words[other] = words[other], words[at]
		}
	case 5:
		words[0] = pick(g, []string{"nosuch", "GET1", "", "client", "object", "é"})
	}
	return words
}

// tame removes from a command everything that depends on chance or time, waits, or fills the memory.
func tame(words []string) []string {
	name := nameOf(words)
	for i, word := range words {
		upper := strings.ToUpper(word)
		switch {
		case strings.HasSuffix(name, "subscribe") && i > 0:
			words[i] = "one" // the order of several is random
		case upper == "BLOCK" && i+1 < len(words):
			words[i+1] = "1"
		case i == timeoutOf(name, words) && i > 0:
			if n, err := strconv.ParseFloat(word, 64); err == nil && (n == 0 || n > 0.01) {
				if words[i] = "0.01"; strings.HasPrefix(name, "wait") {
					words[i] = "1"
				}
			}
		case name == "xadd" && strings.HasSuffix(word, "*"):
			words[i] = "7-7"
		}
	}
	return words
}

// timeoutOf returns the index of a command's timeout; 0 for none.
func timeoutOf(name string, words []string) int {
	switch name {
	case "wait", "waitaof":
		return len(words) - 1
	case "blpop", "brpop", "blmove", "brpoplpush", "bzpopmin", "bzpopmax":
		return len(words) - 1
	case "blmpop", "bzmpop":
		return 1
	}
	return 0
}

func pick[T any](g *generator, from []T) T { return from[g.dice.IntN(len(from))] }

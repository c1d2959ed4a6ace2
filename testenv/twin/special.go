package main

import (
	"crypto/sha1" // the name of a script
	"encoding/hex"
	"strconv"
)

// special returns a command that the grammar describes too little.
func (g *generator) special() []string {
	all := []func() []string{
		g.scripting, g.scripting, g.functions, g.greeting, g.database, g.setup, g.ending, g.sorting, g.waiting,
		g.aboutClients,
		g.subscribing, g.aboutCommands,
	}
	return all[g.dice.IntN(len(all))]()
}

func (g *generator) scripting() []string {
	body := pick(g, scripts)
	sum := sha1.Sum([]byte(body))
	name := hex.EncodeToString(sum[:])
	keys := g.dice.IntN(3)
	number := strconv.Itoa(keys)
	if g.dice.IntN(8) == 0 {
		number = pick(g, integers)
	}
	var words []string
	switch g.dice.IntN(8) {
	case 0:
		return []string{"SCRIPT", "LOAD", body}
	case 1:
		return []string{"SCRIPT", "EXISTS", name, "x"}
	case 2:
		if g.dice.IntN(4) == 0 {
			return []string{"SCRIPT", "FLUSH"}
		}
		words = []string{"EVAL_RO", body, number}
	case 3, 4:
		words = []string{"EVALSHA", name, number}
	case 5:
		words = []string{"EVALSHA_RO", name, number}
	default:
		words = []string{"EVAL", body, number}
	}
	for range keys {
		words = append(words, g.key())
	}
	return append(words, pick(g, strings2))
}

func (g *generator) functions() []string {
	switch g.dice.IntN(5) {
	case 0, 1:
		words := []string{"FUNCTION", "LOAD"}
		if g.dice.IntN(2) == 0 {
			words = append(words, "REPLACE")
		}
		return append(words, pick(g, libraries))
	case 2:
		return []string{"FUNCTION", pick(g, []string{"LIST", "FLUSH", "STATS"})}
	}
	return []string{pick(g, []string{"FCALL", "FCALL_RO"}), pick(g, []string{"f1", "f2", "nosuch"}), "1", g.key(), "a"}
}

func (g *generator) greeting() []string {
	words := []string{"HELLO"}
	if g.dice.IntN(8) > 0 {
		words = append(words, pick(g, []string{"2", "3", "3", "4", "03", "x", "-3"}))
	}
	for g.dice.IntN(3) == 0 {
		words = append(words, pick(g, [][]string{
			{"SETNAME", "one"}, {"SETNAME", "a b"}, {"AUTH", "default", "x"}, {"AUTH", "nobody", "x"},
			{"nosuch"}, {"SETNAME"},
		})...)
	}
	return words
}

func (g *generator) database() []string {
	number := pick(g, []string{"0", "0", "0", "1", "2", "15", "16", "-1", "01", "x", "99999999999", "4294967296"})
	if g.dice.IntN(6) == 0 {
		return []string{"SWAPDB", number, pick(g, []string{"0", "1", "16", "x"})}
	}
	return []string{"SELECT", number}
}

func (g *generator) setup() []string {
	return pick(g, [][]string{
		{"AUTH", "x"}, {"AUTH", "default", "x"}, {"AUTH", "", "x"}, {"AUTH", "nobody", ""},
		{"AUTH", "a", "b", "c"}, {"AUTH"},
		{"READONLY"}, {"READWRITE"}, {"ASKING"}, {"PING"}, {"PING", "a"}, {"PING", "a", "b"},
		{"CLIENT", "NO-EVICT", "on"},
		{"CLIENT", "NO-EVICT", "x"}, {"CLIENT", "SETNAME", ""}, {"CLIENT", "SETNAME", "a\n"}, {"CLIENT", "REPLY", "x"},
		{"CONFIG", "GET", "nosuch"}, {"CONFIG", "GET", "maxmemory*"}, {"CONFIG", "GET"},
		{"CONFIG", "SET", "nosuch", "1"},
		{"CONFIG", "SET", "maxmemory-samples", "5"}, {"CONFIG", "SET", "maxmemory-samples"}, {"CONFIG", "SET"},
		{"CONFIG", "SET", "slowlog-max-len", "x"},
	})
}

func (g *generator) ending() []string {
	return pick(g, [][]string{
		{"RESET"}, {"RESET", "x"}, {"QUIT"}, {"UNWATCH"}, {"WATCH", g.key()}, {"WATCH", g.key()}, {"MULTI"},
		{"EXEC"}, {"DISCARD"},
		{"EXEC", "x"}, {"MULTI", "x"}, {"WATCH"}, {"DISCARD", "x"}, {"UNWATCH", "x"},
	})
}

// sorting returns a SORT, without STORE of unordered elements.
func (g *generator) sorting() []string {
	words := []string{pick(g, []string{"SORT", "SORT_RO"}), g.key()}
	for g.dice.IntN(2) == 0 {
		words = append(words, pick(g, [][]string{
			{"ALPHA"}, {"DESC"}, {"ASC"}, {"LIMIT", "0", "2"}, {"LIMIT", "x", "2"}, {"GET", "#"}, {"GET", "s*"},
			{"BY", "s*"}, {"nosuch"},
		})...)
	}
	return words
}

// waiting returns a command that blocks for a moment, or not at all.
func (g *generator) waiting() []string {
	return pick(g, [][]string{
		{"SPOP", g.key(), "1000"}, {"WAIT", "0", "1"}, {"WAIT", "1", "1"}, {"WAIT", "x", "1"}, {"WAIT", "1", "-1"},
		{"BLPOP", g.key(), g.key(), "0.01"}, {"BLPOP", g.key(), "x"}, {"BLPOP", g.key(), "-1"},
		{"BLMOVE", g.key(), g.key(), "LEFT", "RIGHT", "0.01"}, {"BZPOPMIN", g.key(), "0.01"},
		{"XREAD", "BLOCK", "1", "STREAMS", g.key(), "$"}, {"XREAD", "BLOCK", "x", "STREAMS", g.key(), "0"},
		{"BRPOPLPUSH", g.key(), g.key(), "0.01"}, {"BLMPOP", "0.01", "1", g.key(), "LEFT"},
	})
}

// aboutClients returns a command about clients, which names no existing one.
func (g *generator) aboutClients() []string {
	const nobody = "987654321"
	return pick(g, [][]string{
		{"CLIENT", "KILL", ""}, {"CLIENT", "KILL", "ADDR", ""}, {"CLIENT", "KILL", "LADDR", ""},
		{"CLIENT", "KILL", "ID", nobody},
		{"CLIENT", "KILL", "ID", "x"}, {"CLIENT", "KILL", "ID", "0"}, {"CLIENT", "KILL", "nosuch", "x"},
		{"CLIENT", "KILL", "a:1"},
		{"CLIENT", "KILL", "TYPE", "x"}, {"CLIENT", "KILL", "USER", "x"},
		{"CLIENT", "KILL", "TYPE", "pubsub", "ID", nobody},
		{"CLIENT", "UNBLOCK", nobody}, {"CLIENT", "UNBLOCK", "x"}, {"CLIENT", "UNBLOCK", nobody, "x"},
		{"CLIENT", "PAUSE", "x"},
		{"CLIENT", "PAUSE", "-1"}, {"CLIENT", "PAUSE", "1", "x"}, {"CLIENT", "UNPAUSE"}, {"CLIENT", "LIST", "ID", "x"},
		{"CLIENT", "LIST", "TYPE", "x"}, {"CLIENT", "nosuch"}, {"CLIENT", "KILL"}, {"CLIENT", "LIST", "x"},
	})
}

func (g *generator) subscribing() []string {
	words := []string{pick(g, []string{
		"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE", "UNSUBSCRIBE",
		"PUNSUBSCRIBE",
	})}
	for range g.dice.IntN(3) {
		words = append(words, "one") // one channel: the order of several is random
	}
	return words
}

func (g *generator) aboutCommands() []string {
	return pick(g, [][]string{
		{"COMMAND", "COUNT"}, {"COMMAND", "INFO", "get", "nosuch"}, {"COMMAND", "GETKEYS", "SET", "a", "b"},
		{"COMMAND", "nosuch"},
		{"COMMAND", "GETKEYS", "nosuch"}, {"COMMAND", "GETKEYS", "EVAL", "x", "1", "k"}, {"COMMAND", "DOCS", "get"},
		{"COMMAND", "GETKEYSANDFLAGS", "SET", "a", "b"}, {"COMMAND", "LIST", "FILTERBY", "PATTERN", "xr*"},
	})
}

package main

import (
	"errors"
	"slices"
	"strings"

	"evergate/testenv/servers"
)

// The commands and their arguments come from the server (COMMAND DOCS), so that those of a newer one are tested as
// well.

// command is one command; words are its name, and that of the subcommand.
type command struct {
	words []string
	group string
	args  []argument
}

// argument is one argument, or several that belong together.
type argument struct {
	name, kind, token string
	optional          bool
	multiple          bool
	tokens            bool // the token precedes each of several
	args              []argument
}

// left are never sent: they would end or change the servers for all, block for ever, or lead to a state that depends on
// chance or time.
var left = []string{
	"shutdown", "debug", "monitor", "sync", "psync", "replconf", "replicaof", "slaveof", "failover", "module",
	"acl", "bgsave", "save", "bgrewriteaof", "pfselftest", "pfdebug", "migrate", "restore-asking", "post", "host:",
	"config set", "config rewrite", "client pause", "client kill", "client reply", "client tracking", "client caching",
	"client no-touch", "client no-evict", "client unblock", "script debug", "script kill", "function kill",
	"spop", "hello", "auth", "quit", "reset", "select", "eval", "evalsha", "eval_ro", "evalsha_ro", "fcall", "fcall_ro",
	"function load", "function restore", "multi", "exec", "sort", "sort_ro", "subscribe", "psubscribe", "ssubscribe",
	"unsubscribe", "punsubscribe", "sunsubscribe", "swapdb", "command", "wait", "waitaof",
}

// askGrammar returns a server's commands, ordered by name.
func askGrammar(c *servers.Conn) ([]command, error) {
	frame, err := c.Do("COMMAND", "DOCS")
	if err != nil {
		return nil, err
	}
	docs, _, err := parse(frame)
	if err != nil || len(docs.items) == 0 {
		return nil, errors.New("COMMAND DOCS: the server is older than Redis 7")
	}
	all := commandsOf(docs, nil)
	slices.SortFunc(all, func(a, b command) int {
		return strings.Compare(strings.Join(a.words, " "), strings.Join(b.words, " "))
	})
	return all, nil
}

func commandsOf(docs reply, all []command) []command {
	for i := 0; i+1 < len(docs.items); i += 2 {
		c := command{words: strings.Split(docs.items[i].text, "|")}
		fields := docs.items[i+1].fields()
		if within, is := fields["subcommands"]; is {
			all = commandsOf(within, all)
			continue
		}
		c.group = fields["group"].text
		for _, a := range fields["arguments"].items {
			c.args = append(c.args, argumentOf(a))
		}
		if !slices.Contains(left, c.words[0]) && !slices.Contains(left, strings.Join(c.words, " ")) {
			all = append(all, c)
		}
	}
	return all
}

func argumentOf(r reply) argument {
	fields := r.fields()
	a := argument{name: fields["name"].text, kind: fields["type"].text, token: fields["token"].text}
	for _, flag := range fields["flags"].items {
		a.optional = a.optional || flag.text == "optional"
		a.multiple = a.multiple || flag.text == "multiple"
		a.tokens = a.tokens || flag.text == "multiple_token"
	}
	for _, within := range fields["arguments"].items {
		a.args = append(a.args, argumentOf(within))
	}
	return a
}

// fields parses an array of alternating names and values.
func (r reply) fields() map[string]reply {
	all := map[string]reply{}
	for i := 0; i+1 < len(r.items); i += 2 {
		all[r.items[i].text] = r.items[i+1]
	}
	return all
}

// nameOf returns the name of the command at the start of words, in lower case, with its subcommand if it has one.
func nameOf(words []string) string {
	if len(words) == 0 {
		return ""
	}
	name := strings.ToLower(words[0])
	if len(words) > 1 && slices.Contains(containers, name) {
		name += " " + strings.ToLower(words[1])
	}
	if at := slices.Index(scans, name); at >= 0 && len(words) > min(at+1, 2) {
		whole := !slices.ContainsFunc(words, func(word string) bool { return strings.EqualFold(word, "count") })
		if words[min(at+1, 2)] == "0" && whole {
			name += " 0"
		} else {
			name += " further"
		}
	}
	return name
}

// scans have a cursor: the first argument of SCAN, the one after the key of the others.
var scans = []string{"scan", "hscan", "sscan", "zscan"}

var containers = []string{
	"acl", "client", "cluster", "command", "config", "function", "latency", "memory", "module", "object", "pubsub",
	"script", "slowlog", "xgroup", "xinfo",
}

package routing

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// olderCategories are those of servers before Redis 7.2.
var olderCategories = map[string]string{"wait": "connection slow"}

// categoryDifferences compares the categories of the servers' ACL.
func (c *Command) categoryDifferences(r serverRow) []string {
	var in Category
	for _, name := range r.ACL {
		in |= CategoryNamed(name)
	}
	if r.ACL == nil || in == c.Categories || olderCategories[c.Name] == strings.Join(r.ACL, " ") {
		return nil
	}
	return []string{fmt.Sprintf("categories %v, the server says %v", c.Categories.names(), r.ACL)}
}

func (c Category) names() (all []string) {
	for _, name := range Categories {
		if c&CategoryNamed(name) != 0 {
			all = append(all, name)
		}
	}
	return all
}

// accessDifferences compares what a command does with its keys with the flags of the key specifications.
func (c *Command) accessDifferences(r serverRow) []string {
	var all []string
	for i, spec := range r.Specs {
		flags, where, _ := strings.Cut(spec, ":")
		var access KeyAccess
		for _, flag := range strings.Fields(flags) {
			access |= accessOfFlag[flag]
		}
		if strings.Contains(where, "unknown") && access == ReadsKey {
			continue // BY and GET of SORT are no keys
		}
		ours := c.others
		if i == 0 {
			ours = c.first
		}
		moves := strings.Contains(flags, "variable_flags") && variableAsDeclared[c.Name] == ours
		if variable := strings.Contains(flags, "variable_flags"); !moves && (variable != (ours == varies) ||
			!variable && ours != access) {
			all = append(all, fmt.Sprintf("access %d to key %d, the server says %s", ours, i, flags))
		}
	}
	return all
}

// variableAsDeclared are commands whose arguments change what they do with a key, but nothing that the ACL asks for.
var variableAsDeclared = map[string]KeyAccess{
	"delex": WritesKey, "georadius": WritesKey, "georadiusbymember": WritesKey,
}

// TestEveryRowIsKnownToTheACL: a row that is forgotten would be out of reach of every rule but +@all.
func TestEveryRowIsKnownToTheACL(t *testing.T) {
	known := map[string]bool{}
	for _, row := range accessRows {
		if known[row.name] {
			t.Errorf("%s stands there twice", row.name)
		}
		known[row.name] = true
	}
	for i, c := range Rows() {
		if int(c.Index) != i+1 {
			t.Errorf("%s has the index %d at %d", c.Name, c.Index, i)
		}
		pseudo := c.ID == CmdPost || c.ID == CmdHost
		if !known[c.Name] && !pseudo && !strings.HasPrefix(c.Name, "sentinel|") {
			t.Errorf("%s is in no category", c.Name)
		}
	}
}

func TestAccessedKeys(t *testing.T) {
	for line, want := range map[string]string{
		"GET a": "a:r", "STRLEN a": "a:", "SET a v": "a:w", "SET a v GET": "a:rw", "SET a GET": "a:w", "SET a v EX 1": "a:w",
		"COPY a b": "a:r b:w", "RENAME a b": "a:rw b:w", "MGET a b c": "a:r b:r c:r",
		"MSET a 1 b 2":      "a:w b:w",
		"SINTERSTORE d a b": "d:w a:r b:r", "ZUNIONSTORE d 2 a b": "d:w a:r b:r", "ZUNION 2 a b": "a:r b:r",
		"EVAL s 2 a b c": "a:rw b:rw", "EVAL_RO s 1 a": "a:r", "EVAL s 0": "", "EVAL s x a": "?", "BITOP NOT d a": "d:w a:r",
		"SORT a STORE d": "a:r d:w", "SORT_RO a": "a:r", "GEORADIUS k 1 1 1 m STORE d": "k:r d:w",
		"XREAD STREAMS a b 0 0": "a:r b:r", "BITFIELD a GET u8 0": "a:r", "BITFIELD a GET u8 0 SET u8 0 1": "a:rw",
		"BITFIELD a OVERFLOW SAT GET u8 0": "a:r", "BITFIELD a": "a:r", "BITFIELD a GET u8": "a:rw",
		"SPUBLISH c m": "", "SSUBSCRIBE a b": "", "PING": "", "DEL a": "a:w", "EXPIRE a 1": "a:w", "TTL a": "a:r",
		"MIGRATE h 1 a 0 1": "a:rw", "PFMERGE d a b": "d:rw a:r b:r", "PFCOUNT a b": "a:r b:r",
		"LMOVE a b LEFT LEFT": "a:rw b:w",
		"GETDEL a":            "a:rw", "OBJECT ENCODING a": "a:", "MEMORY USAGE a": "a:", "WATCH a b": "a: b:",
	} {
		args := fields(line)
		got := keyTexts(Lookup(args), args)
		if got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
		all, ok := Lookup(args).AccessedKeys(args, nil)
		if key, only := Lookup(args).OnlyKey(args); only && (!ok || len(all) != 1 || key != all[0]) {
			t.Errorf("%s: the only key is %v, all are %v", line, key, all)
		}
	}
}

func keyTexts(c *Command, args [][]byte) string {
	keys, ok := c.AccessedKeys(args, nil)
	if !ok {
		return "?"
	}
	var all []string
	for _, k := range keys {
		text := string(args[k.At]) + ":"
		if k.Access&ReadsKey != 0 {
			text += "r"
		}
		if k.Access&WritesKey != 0 {
			text += "w"
		}
		all = append(all, text)
	}
	return strings.Join(all, " ")
}

func TestLearntAccess(t *testing.T) {
	args := fields("m.cmd a b c")
	at := func(i int, a KeyAccess) KeySpec { return KeySpec{Index: i, Step: 1, Access: a} }
	for _, c := range []struct {
		info Definition
		want string
	}{
		{Definition{First: 1, Last: 1, Step: 1, Flags: []string{"readonly"}}, "a:r"},
		{Definition{First: 1, Last: 2, Step: 1, Flags: []string{"write"}}, "a:rw b:rw"},
		{Definition{Specs: []KeySpec{at(1, ReadsKey), at(3, WritesKey)}}, "a:r c:w"},
		{Definition{Specs: []KeySpec{at(1, notKey), at(2, 0)}}, "b:"},
		{Definition{Flags: []string{"movablekeys"}}, "?"},
		{Definition{Specs: []KeySpec{at(1, ReadsKey), {Unknown: true}}}, "?"},
		{Definition{Specs: []KeySpec{at(9, ReadsKey)}}, "?"},
	} {
		c.info.Name = "m.cmd"
		row := Learn(c.info)
		if got := keyTexts(row, args); got != c.want || !row.HasKeys() || row.Index != 0 {
			t.Errorf("%+v: %q, want %q; has keys: %v", c.info, got, c.want, row.HasKeys())
		}
	}
	for line, has := range map[string]bool{"GET a": true, "EVAL s 0": true, "PING": false, "SPUBLISH c m": false} {
		if Lookup(fields(line)).HasKeys() != has {
			t.Errorf("%s has keys: %v", line, !has)
		}
	}
	row := Learn(Definition{Name: "json.get", Flags: []string{"readonly", "@json", "@Read", "@nosuch"}})
	if row.Categories != CategoryNamed("json")|inRead {
		t.Errorf("categories %b", row.Categories)
	}
}

// TestLearntFlags: the access to keys comes from the flags of their specifications.
func TestLearntFlags(t *testing.T) {
	spec := func(at int64, flags ...any) any {
		return []any{"flags", flags,
			"begin_search", []any{"type", "index", "spec", []any{"index", at}},
			"find_keys", []any{"type", "range", "spec", []any{"lastkey", int64(0), "keystep", int64(1), "limit", int64(0)}}}
	}
	info := []any{"m.cmd", int64(-1), []any{"write"}, int64(1), int64(5), int64(1), []any{"@write"}, []any{}, []any{
		spec(1, "RO", "access"), spec(2, "RW", "insert"), spec(3, "RM", "delete"), spec(4, "OW", "update"), spec(5, "RO"),
		spec(6, "RO", "not_key"), spec(7, "RO", "variable_flags"), spec(8, "RW", "access", "update")}, []any{}}
	args := fields("m.cmd a b c d e f g h")
	if got := keyTexts(LearnInfo("m.cmd", []any{info}), args); got != "a:r b:w c:w d:w e: g:rw h:rw" {
		t.Error(got)
	}
}

func TestSortPattern(t *testing.T) {
	for line, want := range map[string]string{
		"SORT a": "", "SORT a BY x*": "x* by", "SORT a BY x": "", "SORT a GET #": "# get", "SORT a by nosort get y": "y get",
		"SORT a LIMIT 0 1 ASC DESC ALPHA STORE BY BY z*": "z* by", "SORT a NONSENSE BY x*": "", "SORT a GET": "",
		"SORT_RO a STORE b GET #": "", "SORT_RO a GET y": "y get", "SORT a STORE b GET #": "# get", "SORT a LIMIT 0": "",
	} {
		args := fields(line)
		got := ""
		if at, by := Lookup(args).SortPattern(args); by {
			got = string(args[at]) + " by"
		} else if at > 0 {
			got = string(args[at]) + " get"
		}
		if got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

func TestCategoriesByName(t *testing.T) {
	seen := Category(0)
	for _, name := range slices.Concat(Categories, moduleCategories) {
		in := CategoryNamed(strings.ToUpper(name))
		if in == 0 || in&(in-1) != 0 || seen&in != 0 {
			t.Errorf("%s is the category %b", name, in)
		}
		seen |= in
	}
	if CategoryNamed("all") != 0 || CategoryNamed("") != 0 || CategoryNamed("scripting") != inScripting {
		t.Error("names are taken for others")
	}
}

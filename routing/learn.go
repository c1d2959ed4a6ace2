package routing

import (
	"slices"
	"strings"
)

// farthest bounds the positions that a server may report: more arguments than any request has.
const farthest = 1 << 20

// Definition is a command as a server's COMMAND INFO describes it.
type Definition struct {
	Name string
	// Arity 0 is unknown.
	Arity int
	// Flags may hold ACL categories too ("@connection").
	Flags             []string
	First, Last, Step int
	// Tips, Specs and Subcommands exist since Redis 7.0.
	Tips        []string
	Specs       []KeySpec
	Subcommands []Definition
}

// Learn makes a row from a server's own COMMAND INFO, for a command that Lookup does not know (a module's, or a newer
// server's). It is not added to the table: the caller keeps it. Without a flag for the contrary it counts as unsafe: a
// write unless it is readonly without may_replicate (which Redis 7 does not report), and rejected if it belongs to
// pub/sub, changes the connection, is for administrators or is dangerous. Its keys are those of the key specifications
// or, without these, of first, last and step. If there may be others, only the server knows the keys. It is never
// divided.
func Learn(info Definition) *Command {
	name := strings.ToLower(info.Name)
	c := &Command{Name: name, word: name, Arity: info.Arity, Traits: Write}
	var readonly, replicates, movable bool
	for _, flag := range info.Flags {
		if category, is := strings.CutPrefix(flag, "@"); is {
			c.Categories |= CategoryNamed(category)
		}
		switch strings.ToLower(flag) {
		case "readonly":
			readonly = true
		case "may_replicate", "write":
			replicates = true
		case "movablekeys":
			movable = true
		case "blocking", "@blocking":
			c.Traits |= Blocking
		case "pubsub", "@pubsub":
			c.Traits |= Subscribing
		case "admin", "@admin", "@dangerous", "@connection", "@transaction", "no_auth":
			c.Traits |= Harmful // it may be a renamed command (rename-command)
		}
	}
	if readonly && !replicates {
		c.Traits = c.Traits&^Write | Read
	}
	if info.Arity == 0 {
		c.Arity = -1
	}
	c.learnKeys(info, movable)
	c.learnAccess()
	if c.First == 0 && c.Form == Ranged && !c.asked {
		c.learnPolicy(info.Tips)
	}
	if subcommands := learnSubcommands(name, info.Subcommands); len(subcommands) > 0 {
		c.within = newIndex(subcommands)
	}
	return c
}

func (c *Command) learnKeys(info Definition, movable bool) {
	switch {
	case len(info.Specs) > 0:
		c.Form, c.specs = Specified, slices.Clone(info.Specs)
		for i := range c.specs {
			c.specs[i].Keyword = strings.ToLower(c.specs[i].Keyword)
			c.asked = c.asked || !c.specs[i].usable()
		}
	case movable:
		c.asked = true
	case info.First > 0 && info.First < farthest && info.Step > 0 && info.Step < farthest:
		c.First, c.Last, c.Step = info.First, info.Last, info.Step
	}
}

// learnPolicy applies a server's hints for a cluster. A command over all shards is broadcast, if there is a hint how
// its replies are joined.
func (c *Command) learnPolicy(tips []string) {
	if !slices.Contains(tips, "request_policy:all_shards") && !slices.Contains(tips, "request_policy:all_nodes") {
		return
	}
	c.Traits |= Everywhere
	c.Merge = Unjoined
	for _, tip := range tips {
		switch tip {
		case "response_policy:all_succeeded":
			c.Merge = AllOK
		case "response_policy:agg_sum":
			c.Merge = Sum
		case "response_policy:agg_min":
			c.Merge = Least
		}
	}
}

// learnSubcommands makes the rows of a container. Two of one name, or a name that cannot be looked up, are left out.
func learnSubcommands(container string, info []Definition) (rows []*Command) {
	for _, sub := range info {
		word := sub.Name[strings.IndexByte(sub.Name, '|')+1:]
		sub.Name, sub.Subcommands = container+"|"+word, nil
		row := Learn(sub)
		twice := slices.ContainsFunc(rows, func(c *Command) bool { return c.Name == row.Name })
		if word != "" && len(word) <= longestWord && !twice {
			rows = append(rows, row)
		}
	}
	return rows
}

// Learnable reports whether a server may be asked about a command of this name, in lower case. SENTINEL stays unknown
// on purpose: otherwise clients would take the gateway for a Sentinel. A subcommand is no command under the name that
// COMMAND INFO lists ("config|get").
func Learnable(name string) bool { return name != sentinel.Name && !strings.Contains(name, "|") }

// Of returns the row for a request that names c: that of its subcommand if it has any, or nil if it has none of this
// name.
func (c *Command) Of(args [][]byte) *Command {
	if c.within == nil || len(args) < 2 {
		return c
	}
	return c.within.find(args[1])
}

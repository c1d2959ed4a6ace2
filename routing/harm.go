package routing

import (
	"slices"
	"strings"

	"evergate/topology"
)

// Dangerous commands are rejected with a reason. The operator may permit single ones; but not those that are no
// commands for a server at all, or that occupy a server for an interactive user.

// ConfigSet is the name under which CONFIG SET of protected settings may be permitted: no command has it.
const ConfigSet = "config|set"

// Harm returns why a command with the trait Harmful is rejected.
func (c *Command) Harm() string {
	container, _, _ := strings.Cut(c.Name, "|")
	switch container {
	case "shutdown", "debug":
		return "it can stop or block a server that others use"
	case "replicaof", "slaveof", "failover", "cluster":
		return "it changes the roles of servers"
	case "migrate":
		return "it moves keys to a server outside of the topology"
	case "acl":
		return "it manages the users of the servers, not of the gateway"
	case "module":
		return "it changes the code that a server runs"
	case "sync", "psync", "replconf":
		return "it turns the connection into a replication link"
	}
	return "it is reserved for the administrators of the servers"
}

// mayBeAllowed reports whether a setting may permit a dangerous command.
func (c *Command) mayBeAllowed() bool {
	return c.Has(Harmful) && !slices.Contains(neverAllowed, c.Name)
}

var neverAllowed = []string{"post", "host:", "script|debug"}

// Allowable returns a setting's name for a command that it may permit; empty if it may not.
func (c *Command) Allowable() string {
	if !c.mayBeAllowed() || Named(c.Name) != c {
		return "" // a learnt command is in no list
	}
	return c.Name
}

func words(name string) (args [][]byte) {
	for word := range strings.SplitSeq(name, "|") {
		args = append(args, []byte(word))
	}
	return args
}

// Allowables returns all names that a setting may permit, in order; the name of a container permits all its subcommands
// that are rejected.
func Allowables() []string {
	names := []string{ConfigSet}
	for _, c := range table.rows {
		if c == nil {
			continue
		}
		if of := c.allowed(); len(of) > 0 {
			names = append(names, c.Name)
			if c.within != nil {
				names = append(names, of...)
			}
		}
	}
	slices.Sort(names)
	return names
}

// allowed returns the names that are permitted with this command.
func (c *Command) allowed() (names []string) {
	if c.within == nil {
		if c.mayBeAllowed() {
			names = append(names, c.Name)
		}
		return names
	}
	for _, sub := range c.within.rows {
		if sub != nil && sub.mayBeAllowed() {
			names = append(names, sub.Name)
		}
	}
	return names
}

// Allowed returns the names of all commands that a word permits: "debug", "ACL SETUSER", "acl|setuser", "cluster". none
// is the reason if there is none: the word is a command that needs no permission or can have none, or is no command.
func Allowed(word string) (names []string, none string) {
	name := strings.Join(strings.FieldsFunc(strings.ToLower(word), func(r rune) bool { return r == ' ' || r == '|' }), "|")
	if name == ConfigSet {
		return []string{name}, ""
	}
	c := Named(name)
	switch {
	case name == "" || c == nil:
		return nil, "is not a command that is rejected as dangerous"
	case slices.Contains(neverAllowed, c.Name):
		return nil, "cannot be allowed: " + c.Harm()
	}
	if names = c.allowed(); len(names) == 0 {
		return nil, "need not be allowed: it is not rejected as dangerous"
	}
	return names, ""
}

// DecideAllowed decides about a dangerous command that is permitted: it goes to the primary of its keys, on a dedicated
// connection.
func DecideAllowed(r Request, v *topology.View) Decision {
	d := r.Command.at(&r, v, Dedicate)
	if d.Kind == Dedicate && v != nil && len(v.Shards) > 1 && d.Slot < 0 {
		return refuse(WhichShard)
	}
	return d
}

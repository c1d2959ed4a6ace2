package routing

import (
	"slices"
	"strings"

	"evergate/topology"
)

// What would harm the servers or other clients is refused with a reason. Who runs the servers may let single commands
// through; not those that are no commands for a server at all, or keep it busy for a person.

// ConfigSet is the name under which CONFIG SET of what the topology lives by may be let through: no command is refused
// for it.
const ConfigSet = "config|set"

// Harm says why a command with the trait Harmful is refused.
func (c *Command) Harm() string {
	container, _, _ := strings.Cut(c.Name, "|")
	switch container {
	case "shutdown", "debug":
		return "it would stop a server that others use, or keep it busy"
	case "replicaof", "slaveof", "failover", "cluster":
		return "it would change which server is the primary of what"
	case "migrate":
		return "it would move keys to where nobody looks for them"
	case "acl":
		return "it is about the users of the servers, not of the gateway"
	case "module":
		return "it would change the code that a server runs"
	case "sync", "psync", "replconf":
		return "it would make the connection that of a replica"
	}
	return "it is for those who run the servers"
}

// mayBeAllowed says that a setting may let a harmful command through.
func (c *Command) mayBeAllowed() bool {
	return c.Has(Harmful) && !slices.Contains(neverAllowed, c.Name)
}

var neverAllowed = []string{"post", "host:", "script|debug"}

// Allowable says how a setting names a command that it may let through; empty when it may not.
func (c *Command) Allowable() string {
	if !c.mayBeAllowed() || Lookup(words(c.Name)) != c {
		return "" // a learnt one is nobody's
	}
	return c.Name
}

func words(name string) (args [][]byte) {
	for word := range strings.SplitSeq(name, "|") {
		args = append(args, []byte(word))
	}
	return args
}

// Allowables are all names that a setting may let through, in order; a command with subcommands stands for all of them
// that are refused.
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

// allowed are the names that letting this command through lets through.
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

// Allowed gives the names of all commands that a word lets through: "debug", "ACL SETUSER", "acl|setuser", "cluster".
// none says why there is none: the word is a command that needs no leave, or can have none, or is none.
func Allowed(word string) (names []string, none string) {
	name := strings.Join(strings.FieldsFunc(strings.ToLower(word), func(r rune) bool { return r == ' ' || r == '|' }), "|")
	if name == ConfigSet {
		return []string{name}, ""
	}
	c := Lookup(words(name))
	switch {
	case name == "" || c == nil:
		return nil, "is no command that is refused"
	case slices.Contains(neverAllowed, c.Name):
		return nil, "cannot be let through: " + c.Harm()
	}
	if names = c.allowed(); len(names) == 0 {
		return nil, "needs no leave: it is not refused for the harm it does"
	}
	return names, ""
}

// DecideAllowed decides about a harmful command that is let through: it goes to the primary of its keys, on a
// connection of the session's own.
func DecideAllowed(r Request, v *topology.View) Decision {
	d := r.Command.at(&r, v, Pin)
	if d.Kind == Pin && v != nil && len(v.Shards) > 1 && d.Slot < 0 {
		return refuse(WhichShard)
	}
	return d
}

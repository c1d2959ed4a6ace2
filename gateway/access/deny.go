package access

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"evergate/routing"
)

// Preset is the word for all commands that harm many at once, or that show what others do.
const Preset = "dangerous"

// dangerous are the commands of the Preset; the name of a container stands for all its subcommands.
var dangerous = []string{
	"bgrewriteaof", "bgsave", "client|kill", "client|pause", "commandlog|reset", "config", "debug", "failover", "flushall",
	"flushdb", "function|delete", "function|flush", "function|kill", "function|restore", "keys", "latency|reset",
	"memory|purge", "migrate", "module|load", "module|loadex", "module|unload", "monitor", "psync", "replconf",
	"replicaof", "save", "script|flush", "script|kill", "shutdown", "slaveof", "slowlog|reset", "swapdb", "sync",
}

// isDangerous has a bit for each row of the table that the Preset names.
var isDangerous = func() commands {
	s := newCommands()
	for _, name := range dangerous {
		s.set(routing.InRules(name), true)
	}
	return s
}()

// Dangerous reports whether the Preset names a command.
func Dangerous(c *routing.Command) bool {
	return c.Index != 0 && isDangerous.bits[c.Index/64]&(1<<(c.Index%64)) != 0
}

// Nameable returns the names of rules for a word of a setting: a command, a subcommand ("config|set", "CONFIG SET"), a
// category ("@write"), or the Preset. err says why there is none.
func Nameable(word string) (names []string, err error) {
	name := strings.Join(strings.FieldsFunc(strings.ToLower(word), func(r rune) bool { return r == ' ' || r == '|' }), "|")
	if name == Preset {
		return dangerous, nil
	}
	var unseen []string
	rules := newCommands()
	if name == "" || rules.apply(name, false, &unseen) != nil {
		return nil, fmt.Errorf("is neither a command nor a category, nor %q", Preset)
	}
	return []string{name}, nil
}

// Deniable is Nameable for commands that may be denied.
func Deniable(word string) (names []string, err error) {
	names, err = Nameable(word)
	if err == nil && len(names) == 1 {
		if c := routing.InRules(names[0]); c != nil && c.Has(routing.NoAuth) {
			return nil, fmt.Errorf("cannot be denied: clients authenticate with it, or end")
		}
	}
	return names, err
}

// Without returns the same users, none of whom may execute the commands of these names, which Deniable returned: as if
// all their rules ended in "-name".
func (u *Users) Without(names []string) *Users {
	if len(names) == 0 {
		return u
	}
	return u.each(func(s *selector) *selector { return s.without(names) })
}

// Only returns the same users, none of whom may execute other commands than those of these names, which Nameable
// returned. What rules allow besides is still shown by ACL LIST.
func (u *Users) Only(names []string) *Users {
	if len(names) == 0 {
		return u
	}
	only, unseen := newCommands(), []string(nil)
	for _, name := range names {
		_ = only.apply(name, true, &unseen) // Nameable has tried it
	}
	return u.each(func(s *selector) *selector {
		less := *s
		less.only = &only
		return &less
	})
}

// each returns the same users with other selectors.
func (u *Users) each(change func(*selector) *selector) *Users {
	users := map[string]*User{}
	for name, user := range u.byName {
		changed := *user
		changed.selectors = nil
		for _, s := range user.selectors {
			changed.selectors = append(changed.selectors, change(s))
		}
		users[name] = &changed
	}
	all := assemble(u.source, users, slices.Clone(u.unseen))
	all.names = u.names
	return all
}

func (s *selector) without(names []string) *selector {
	less := *s
	less.commands.bits = slices.Clone(s.commands.bits)
	less.commands.rules = slices.Clone(s.commands.rules)
	less.commands.firstArgs = maps.Clone(s.commands.firstArgs)
	var unseen []string
	for _, name := range names {
		_ = less.commands.apply(name, false, &unseen) // Deniable has tried it
	}
	return &less
}

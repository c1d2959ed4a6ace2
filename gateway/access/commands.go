package access

import (
	"slices"
	"strings"

	"evergate/gateway/resp"
	"evergate/routing"
)

// commands are the commands that a selector allows.
type commands struct {
	// all: every command, so that nothing needs to be looked up.
	all bool
	// future: the rules begin with +@all, so that commands that are not in the table are allowed, too, unless a later
	// rule is about them.
	future bool
	// bits has one bit for each row of the table, at its Index.
	bits []uint64
	// firstArgs are the first arguments with which a command is allowed whose bit is not set ("+select|0"), in lower case.
	firstArgs map[uint16][]string
	// rules are the rules since the last one about all commands, in order, with those left out that a later one
	// replaces: ACL LIST shows them.
	rules []rule
}

// rule allows or forbids a command ("get", "config|get", "select|0") or a category ("@read"), in lower case.
type rule struct {
	allow bool
	name  string
}

func (r rule) String() string {
	if r.allow {
		return "+" + r.name
	}
	return "-" + r.name
}

func newCommands() commands { return commands{bits: make([]uint64, len(routing.Rows())/64+1)} }

// setAll allows or forbids all commands.
func (s *commands) setAll(allow bool) {
	s.all, s.future, s.rules, s.firstArgs = allow, allow, nil, nil
	for i := range s.bits {
		if s.bits[i] = 0; allow {
			s.bits[i] = ^uint64(0)
		}
	}
}

// set allows or forbids a command, with all its subcommands.
func (s *commands) set(c *routing.Command, allow bool) {
	s.setBit(c, allow)
	delete(s.firstArgs, c.Index)
	for _, sub := range c.Subcommands() {
		s.setBit(sub, allow)
	}
}

func (s *commands) setBit(c *routing.Command, allow bool) {
	s.all = s.all && allow
	if word, bit := c.Index/64, uint64(1)<<(c.Index%64); allow {
		s.bits[word] |= bit
	} else {
		s.bits[word] &^= bit
	}
}

// setCategory allows or forbids all commands of a category. A container counts with all its subcommands.
func (s *commands) setCategory(in routing.Category, allow bool) {
	s.all = s.all && allow
	for _, c := range routing.Rows() {
		if c.Categories&in != 0 {
			s.set(c, allow)
		}
	}
}

// note appends a rule, instead of earlier ones about the same, or about a subcommand of the same.
func (s *commands) note(name string, allow bool) {
	name = strings.ToLower(name)
	s.rules = slices.DeleteFunc(s.rules, func(r rule) bool {
		return r.name == name || strings.HasPrefix(r.name, name+"|")
	})
	s.rules = append(s.rules, rule{allow, name})
}

// allow reports whether a request may be made as far as the command decides.
func (s *commands) allow(c *routing.Command, args [][]byte) bool {
	switch {
	case s.all, c.Has(routing.NoAuth):
		return true
	case c.Index == 0:
		return s.allowLearnt(c, args)
	case s.bits[c.Index/64]&(1<<(c.Index%64)) != 0:
		return true
	}
	return s.firstArgs != nil && len(args) > 1 && slices.ContainsFunc(s.firstArgs[c.Index], func(first string) bool {
		return resp.IsWord(args[1], first)
	})
}

// allowLearnt is allow of a command that is not in the table: the last rule about it decides.
func (s *commands) allowLearnt(c *routing.Command, args [][]byte) bool {
	allowed := s.future
	for _, r := range s.rules {
		first, isFirst := strings.CutPrefix(r.name, c.Name+"|")
		switch {
		case r.name == c.Name, strings.HasPrefix(c.Name, r.name+"|"):
			allowed = r.allow
		case r.name[0] == '@' && c.Categories&routing.CategoryNamed(r.name[1:]) != 0:
			allowed = r.allow
		case isFirst && r.allow && len(args) > 1 && resp.IsWord(args[1], first):
			allowed = true
		}
	}
	return allowed
}

// String returns the rules as ACL LIST shows them.
func (s *commands) String() string {
	text := "-@all"
	if s.future {
		text = "+@all"
	}
	for _, r := range s.rules {
		text += " " + r.String()
	}
	return text
}

// mayBeModules reports whether a name that the table lacks may be that of a module's command: these have a dot.
func mayBeModules(name string) bool {
	at := strings.IndexByte(name, '.')
	return at > 0 && at < len(name)-1
}

package access

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"evergate/gateway/glob"
	"evergate/gateway/resp"
	"evergate/routing"
)

// mistake is why a rule is wrong, in Redis's words.
type mistake string

func (m mistake) Error() string { return string(m) }

const (
	errUnknown  mistake = "Unknown command or category name in ACL"
	errSyntax   mistake = "Syntax error"
	errNoSuch   mistake = "The password you are trying to remove from the user does not exist"
	errFirstArg mistake = "Allowing first-arg of a subcommand is not supported"
	errHash     mistake = "The password hash must be exactly 64 characters and contain only lowercase hexadecimal " +
		"characters"
	errAllKeys mistake = "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have " +
		"any effect. Try 'resetkeys' to start with an empty list of patterns"
	errAllTopics mistake = "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not " +
		"have any effect. Try 'resetchannels' to start with an empty list of channels"
)

// apply applies one rule to a user. unseen collects the names of commands that the table lacks.
func (u *User) apply(op string, unseen *[]string) error {
	switch strings.ToLower(op) {
	case "":
		return nil
	case "on", "off":
		u.on = len(op) == 2
		return nil
	case "skip-sanitize-payload", "sanitize-payload":
		u.skipSanitize = len(op) > len("sanitize-payload")
		return nil
	case "nopass", "resetpass":
		u.noPass, u.passwords = len(op) == len("nopass"), nil
		return nil
	case "clearselectors":
		u.selectors = u.selectors[:1]
		return nil
	case "reset":
		*u = *newUser(u.name)
		return nil
	}
	switch op[0] {
	case '>', '#', '<', '!':
		return u.applyPassword(op)
	case '(':
		if op[len(op)-1] == ')' {
			return u.addSelector(op[1:len(op)-1], unseen)
		}
	}
	return u.selectors[0].apply(op, unseen)
}

// applyPassword adds or removes a password: in clear after > and <, its hash after # and !.
func (u *User) applyPassword(op string) error {
	var sum [sha256.Size]byte
	if op[0] == '>' || op[0] == '<' {
		sum = sha256.Sum256([]byte(op[1:]))
	} else {
		raw, err := hex.DecodeString(op[1:])
		if err != nil || len(raw) != len(sum) || strings.ToLower(op) != op {
			return errHash
		}
		sum = [sha256.Size]byte(raw)
	}
	at := slices.Index(u.passwords, sum)
	if op[0] == '>' || op[0] == '#' {
		u.noPass = false
		if at < 0 {
			u.passwords = append(u.passwords, sum)
		}
		return nil
	}
	if at < 0 {
		return errNoSuch
	}
	u.passwords = slices.Delete(u.passwords, at, at+1)
	return nil
}

// addSelector adds a selector with the rules between its parentheses. A rule that Redis would print in a way that it
// cannot read is a syntax error: one with a quote, or with a parenthesis at its end.
func (u *User) addSelector(rules string, unseen *[]string) error {
	words, ok := resp.AppendWords(nil, []byte(rules))
	if !ok {
		return errSyntax
	}
	s := newSelector()
	for _, word := range words {
		if bytes.ContainsAny(word, `"'`) || bytes.HasSuffix(word, []byte(")")) {
			return errSyntax
		}
		if err := s.apply(string(word), unseen); err != nil {
			return err
		}
	}
	u.selectors = append(u.selectors, s)
	return nil
}

// apply applies one rule about commands, keys or channels.
func (s *selector) apply(op string, unseen *[]string) error {
	switch strings.ToLower(op) {
	case "":
		return errSyntax
	case "allkeys", "~*", "resetkeys":
		s.allKeys, s.keys = strings.ToLower(op) != "resetkeys", nil
		return nil
	case "allchannels", "&*", "resetchannels":
		s.allChannels, s.channels = strings.ToLower(op) != "resetchannels", nil
		return nil
	case "allcommands", "+@all", "nocommands", "-@all":
		s.commands.setAll(op[0] == '+' || op[0] == 'a' || op[0] == 'A')
		return nil
	}
	switch op[0] {
	case '~', '%':
		return s.addKeys(op)
	case '&':
		return s.addChannels(op[1:])
	case '+', '-':
		return s.commands.apply(op[1:], op[0] == '+', unseen)
	}
	return errSyntax
}

// addKeys adds the pattern of ~pattern, %R~pattern, %W~pattern or %RW~pattern.
func (s *selector) addKeys(op string) error {
	if s.allKeys {
		return errAllKeys
	}
	access, pattern := readWrite, op[1:]
	if op[0] == '%' {
		var letters string
		letters, pattern, _ = strings.Cut(op[1:], "~")
		switch strings.ToUpper(letters) {
		case "R":
			access = routing.ReadsKey
		case "W":
			access = routing.WritesKey
		case "RW", "WR":
		default:
			return errSyntax
		}
	}
	if hasSpace(pattern) {
		return errSyntax
	}
	for i := range s.keys {
		if s.keys[i].String() == pattern {
			s.keys[i].access |= access
			return nil
		}
	}
	s.keys = append(s.keys, keyPattern{glob.Compile(pattern), access})
	return nil
}

func (s *selector) addChannels(pattern string) error {
	switch {
	case s.allChannels:
		return errAllTopics
	case hasSpace(pattern):
		return errSyntax
	case !slices.ContainsFunc(s.channels, func(p glob.Pattern) bool { return p.String() == pattern }):
		s.channels = append(s.channels, glob.Compile(pattern))
	}
	return nil
}

// apply applies a rule about a command, a first argument or a category.
func (s *commands) apply(name string, allow bool, unseen *[]string) error {
	if hasSpace(name) {
		return errUnknown
	}
	if strings.HasPrefix(name, "@") {
		in := routing.CategoryNamed(name[1:])
		if in == 0 {
			return errUnknown
		}
		s.note(name, allow)
		s.setCategory(in, allow)
		return nil
	}
	c := routing.InRules(name)
	at := strings.LastIndexByte(name, '|')
	switch {
	case allow && at >= 0:
		container := routing.InRules(name[:at])
		switch {
		case container == nil && mayBeModules(name[:at]):
			*unseen = append(*unseen, strings.ToLower(name))
		case container == nil:
			return errUnknown
		case strings.Contains(container.Name, "|"):
			return errFirstArg
		case at == len(name)-1:
			return errSyntax
		case container.Subcommands() == nil:
			s.addFirstArg(container, name[at+1:])
		case c == nil:
			return errUnknown
		default:
			s.set(c, true)
		}
	case c != nil:
		s.set(c, allow)
	case mayBeModules(name):
		*unseen = append(*unseen, strings.ToLower(name))
		s.all = s.all && allow
	default:
		return errUnknown
	}
	s.note(name, allow)
	return nil
}

func (s *commands) addFirstArg(c *routing.Command, first string) {
	if s.firstArgs == nil {
		s.firstArgs = map[uint16][]string{}
	}
	if first = strings.ToLower(first); !slices.Contains(s.firstArgs[c.Index], first) {
		s.firstArgs[c.Index] = append(s.firstArgs[c.Index], first)
	}
}

// hasSpace reports whether a text has a character that no name, rule or pattern may have.
func hasSpace(text string) bool { return strings.ContainsAny(text, " \t\n\v\f\r\x00") }

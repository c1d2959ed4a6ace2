package access

import (
	"fmt"
	"strings"
)

// Error is one mistake in the lines of users.
type Error struct {
	Source string
	Line   int // from 1
	Text   string
}

func (e Error) Error() string { return fmt.Sprintf("%s:%d: %s", e.Source, e.Line, e.Text) }

// Errors are all mistakes, in the order of the lines.
type Errors []Error

func (e Errors) Error() string {
	texts := make([]string, len(e))
	for i := range e {
		texts[i] = e[i].Error()
	}
	return strings.Join(texts, "; ")
}

// Parse returns the users of lines as Redis has them in an aclfile: "user app on >secret ~app:* +@read". Empty lines
// and those that begin with # are skipped. source names the lines in errors and replies, as the path of a file. err is
// of type Errors, and has all mistakes. A rule is quoted only if it cannot be a password.
func Parse(source string, lines []string) (users *Users, err error) {
	p := parser{source: source, users: map[string]*User{}}
	for i, line := range lines {
		p.at = i + 1
		p.line(strings.Trim(line, " \t\r\n"))
	}
	if len(p.errors) > 0 {
		return nil, p.errors
	}
	return assemble(source, p.users, p.unseen), nil
}

type parser struct {
	source string
	at     int
	users  map[string]*User
	unseen []string
	errors Errors
}

func (p *parser) failf(format string, args ...any) {
	p.errors = append(p.errors, Error{p.source, p.at, fmt.Sprintf(format, args...)})
}

func (p *parser) line(line string) {
	if line == "" || line[0] == '#' {
		return
	}
	words := strings.Split(line, " ")
	switch {
	case len(words) < 2 || words[0] != "user":
		p.failf("should start with user keyword followed by the username")
		return
	case hasSpace(words[1]):
		p.failf("username '%s' contains invalid characters", words[1])
		return
	case p.users[words[1]] != nil:
		p.failf("Duplicate user '%s' found", words[1])
		return
	}
	user := newUser(words[1])
	p.users[user.name] = user
	rules, ok := joinSelectors(words[2:])
	if !ok {
		p.failf("Unmatched parenthesis in selector definition")
		return
	}
	hidden := false
	for _, op := range rules {
		switch err := user.apply(strings.Trim(op, "\t\r\n"), &p.unseen); {
		case err == nil:
		case err == errUnknown:
			p.failf("Error in applying operation '%s': %v", op, err)
		case !hidden: // a later one may follow from it
			p.failf("%v", err)
			hidden = true
		}
	}
}

// joinSelectors makes one rule of the words from "(..." to "...)". ok is false if a parenthesis does not end.
func joinSelectors(words []string) (rules []string, ok bool) {
	open := ""
	for _, word := range words {
		switch {
		case open != "":
			open += " " + word
		case strings.HasPrefix(word, "(") && !strings.HasSuffix(word, ")"):
			open = word
			continue
		default:
			rules = append(rules, word)
			continue
		}
		if strings.HasSuffix(word, ")") {
			rules, open = append(rules, open), ""
		}
	}
	return rules, open == ""
}

package config

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"evergate/gateway/access"
	"evergate/routing"
)

// Access has the users of a service: who may use it, and what each of them may do. The zero value defines none, so that
// Service.Password alone decides.
type Access struct {
	// Users are lines in the syntax of Redis's ACL: "user app on #<sha256> ~app:* +@read".
	Users []string
	// UsersFile is a file of such lines, as an aclfile of Redis. It is read again when it changes. Only one of Users and
	// UsersFile may be given, and no Service.Password beside them.
	UsersFile string
	// Deny are commands that no user may execute, whatever the rules: names, categories ("@write"), or "dangerous";
	// LISTEN=COMMAND is for the clients of one listener. It does not depend on users.
	Deny []string
	// AllowOnly are the only commands that users may execute, as far as the rules allow them. LISTEN=COMMAND is for the
	// clients of one listener, in place of those without. None: all.
	AllowOnly []string
}

// Denied returns what Deny names for all listeners, and for single ones, by their text in Listen.
func (a *Access) Denied() (names []string, at map[string][]string) {
	return named(a.Deny)
}

// Only returns what AllowOnly names, as Denied does for Deny.
func (a *Access) Only() (names []string, at map[string][]string) { return named(a.AllowOnly) }

func named(items []string) (names []string, at map[string][]string) {
	at = map[string][]string{}
	for _, item := range items {
		listen, word := splitDeny(item)
		of, _ := access.Nameable(word)
		if listen == "" {
			names = append(names, of...)
		} else {
			at[listen] = append(at[listen], of...)
		}
	}
	return names, at
}

// splitDeny splits LISTEN=COMMAND; listen is empty without one. A path may have further separators.
func splitDeny(item string) (listen, word string) {
	at := strings.LastIndexByte(item, '=')
	return item[:max(at, 0)], item[at+1:]
}

// usersSource names Access.Users in replies.
const usersSource = "the gateway's settings"

// usersBytesMax bounds the reading of a file of users: one that names a device by mistake must not fill the memory.
const usersBytesMax = 16 << 20

// Defined reports whether users are defined.
func (a *Access) Defined() bool { return len(a.Users) > 0 || a.UsersFile != "" }

// ReadFile reads the file of users; without one it is empty.
func (a *Access) ReadFile() (string, error) {
	if a.UsersFile == "" {
		return "", nil
	}
	file, err := os.Open(a.UsersFile)
	if err != nil {
		return "", fmt.Errorf("users file: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, usersBytesMax+1))
	if err != nil {
		return "", fmt.Errorf("users file: %w", err)
	}
	if len(text) > usersBytesMax {
		return "", fmt.Errorf("users file %s is longer than %d bytes", a.UsersFile, usersBytesMax)
	}
	return string(text), nil
}

// errNoUsers: a file truncated while it is being replaced must not close all clients.
var errNoUsers = errors.New("it defines no user")

// Parse makes users of their lines, which are text if they stand in a file. Its errors have the number of each wrong
// line, and no password.
func (a *Access) Parse(text string) (*access.Users, error) {
	if a.UsersFile == "" {
		return access.Parse(usersSource, a.Users)
	}
	var lines []string
	scan := bufio.NewScanner(strings.NewReader(text))
	scan.Buffer(nil, usersBytesMax+1)
	for scan.Scan() {
		lines = append(lines, scan.Text())
	}
	users, err := access.Parse(a.UsersFile, lines)
	if err == nil && len(users.Names()) == 0 {
		return nil, fmt.Errorf("users file %s: %w", a.UsersFile, errNoUsers)
	}
	return users, err
}

// commandNames returns all commands by their names in rules.
func commandNames() []string {
	names := []string{access.Preset}
	for _, category := range routing.Categories {
		names = append(names, "@"+category)
	}
	for _, c := range routing.Rows() {
		names = append(names, c.Name)
	}
	return names
}

// Check reads the users, and returns warnings about rules that allow more than they seem to. listen are the addresses
// that clients connect to; open: clients from other machines need no password.
func (a *Access) Check(listen []string, open bool) (warnings []string, err error) {
	text, err := a.ReadFile()
	if err != nil {
		return nil, err
	}
	users, err := a.Parse(text)
	if err != nil {
		return nil, err
	}
	if text := openTo(users, listen, open); text != "" {
		return nil, errors.New(text)
	}
	return users.Warnings(), nil
}

// openTo returns what is wrong where clients from other machines need no password; empty as a rule.
func openTo(users *access.Users, listen []string, open bool) string {
	at := slices.IndexFunc(listen, func(address string) bool { return !isLocal(address) })
	if open || at < 0 || users.Initial() == nil {
		return ""
	}
	return "the default user needs no password, and " + quoted(listen[at]) + " is reachable from other machines: give " +
		"it one, switch it off, or set no-auth"
}

// commands checks the items of a setting, each a word for commands, or LISTEN=WORD.
func (v *validation) commands(s *Service, setting string, items []string, names func(string) ([]string, error)) {
	for _, item := range items {
		listen, word := splitDeny(item)
		if listen != "" && !slices.Contains(s.Listeners(), listen) {
			v.noListener(setting, listen)
		}
		if _, err := names(word); err != nil {
			v.fault(Fault{Setting: setting, Item: item, Given: word, Choices: commandNames(),
				Text: strconv.Quote(word) + " " + err.Error()})
		}
	}
}

// access checks the lines of users, but no file.
func (v *validation) access(s *Service) {
	a := &s.Access
	v.commands(s, "deny", a.Deny, access.Deniable)
	v.commands(s, "allow-only", a.AllowOnly, access.Nameable)
	setting := "users"
	if a.UsersFile != "" {
		setting = "users-file"
	}
	switch {
	case !a.Defined():
		return
	case len(a.Users) > 0 && a.UsersFile != "":
		v.fault(Fault{Setting: "users-file", Other: "users", Text: "conflicts with users: set only one"})
	}
	if !s.Password.IsZero() {
		v.fault(Fault{Setting: setting, Other: passwordSetting(s.Password), Text: "conflicts with a password for clients: " +
			"give it to the default user (user default on >PASSWORD ~* &* +@all)"})
	}
	if len(a.Users) == 0 {
		return
	}
	users, err := access.Parse(usersSource, a.Users)
	if err == nil {
		if text := openTo(users, s.Listen, s.NoAuth); text != "" {
			v.addf("users", "%s", text)
		}
	}
	if wrong := (access.Errors)(nil); errors.As(err, &wrong) {
		for _, e := range wrong {
			v.fault(Fault{Setting: "users", Item: a.Users[e.Line-1], Text: fmt.Sprintf("line %d: %s", e.Line, e.Text)})
		}
	}
}

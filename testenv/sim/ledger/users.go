package ledger

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// What users may do, without gateway/access. Each key names the user whose key it is, behind a dot: "{t1}p3.ann". Rules
// are about the keys of a user, so that they are simple to judge.

// Access is what may be done with keys.
type Access uint8

const (
	MayRead Access = 1 << iota
	MayWrite
)

// User is one user at some time.
type User struct {
	// Password is the only one. Without one the user needs none.
	Password string
	// Keys are the users whose keys this one may touch, Sets is one of whose keys it may SET by a selector.
	Keys map[string]Access
	Sets string
	// Never is a command that the selector alone may allow.
	Never string
	// Channels are topics that it may name; Everything is all of them, and all keys.
	Channels   []string
	Everything bool
}

// Users are all users at some time, by name.
type Users map[string]*User

// Default is the user of clients that do not authenticate, where it needs no password.
const Default = "default"

// Lines are the users as the lines of an ACL file.
func (all Users) Lines() (lines []string) {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		lines = append(lines, all[name].line(name))
	}
	return lines
}

func (u *User) line(name string) string {
	rules := []string{"user", name, "on", "nopass", "+@all"}
	if u.Password != "" {
		rules[3] = ">" + u.Password
	}
	if u.Everything {
		return strings.Join(append(rules, "allkeys", "allchannels"), " ")
	}
	if u.Never != "" {
		rules = append(rules, "-"+strings.ToLower(u.Never))
	}
	for _, whose := range slices.Sorted(maps.Keys(u.Keys)) {
		rules = append(rules, map[Access]string{MayRead: "%R", MayWrite: "%W", MayRead | MayWrite: ""}[u.Keys[whose]]+
			"~*."+whose+"*")
	}
	for _, topic := range u.Channels {
		rules = append(rules, "&"+topic)
	}
	if u.Sets != "" {
		rules = append(rules, fmt.Sprintf("(%%W~*.%s* +set)", u.Sets))
	}
	return strings.Join(rules, " ")
}

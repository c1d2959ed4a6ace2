// Package access knows the users of the gateway and what each may do, by the rules of Redis's ACL.
//
//	users, err := access.Parse(source, lines)          a file of ACL lines, or a list of them
//	users := access.WithPassword(password)             no users are defined: everybody may do everything
//	user := users.Authenticate(name, password)         nil: refused
//	permit, denied := user.Check(command, args, nil)   before a request is decided
//	denied.AppendError(nil, user, command)             the error for the client
//	users.Answer(&access.Query{...})                   WHOAMI, LIST, GETUSER, DRYRUN and the others
//
// The reference is acl.c of Redis 8: semantics, texts and the form of the replies. These are the differences:
//
//   - Users never change: a command that would change them is rejected.
//   - The default user can do nothing, and nobody can authenticate as it, unless a line defines it.
//   - A file may have comments.
//   - A rule about an unknown command is an error as on a server, since a typing error in "-flushall" must not go
//     unnoticed. But a name with a dot is taken for a module's command, which servers describe later ("+json.get").
//   - Keys that only a server can find must be both readable and writable.
//   - The keys of SORT and PFMERGE are those that the command will use, where a server's ACL overlooks one.
package access

import (
	"crypto/sha256"
	"crypto/subtle"
	"maps"
	"slices"
	"strings"

	"evergate/gateway/glob"
	"evergate/gateway/session"
	"evergate/routing"
)

// DefaultUser is the name of the user that sessions have before they authenticate.
const DefaultUser = session.DefaultUser

// Users are all users of a gateway. They never change.
type Users struct {
	// source is empty where no users are defined.
	source string
	names  []string // of those that lines define, in order
	byName map[string]*User
	sorted []*User // by name
	// most is the most passwords of a user.
	most int
	// at are those of listeners with users of their own, by ID; nil without any.
	at map[int]*Users
	// unseen are the names of commands in rules that the table does not have.
	unseen []string
}

// User is one user. It never changes.
type User struct {
	name         string
	on, noPass   bool
	unlimited    bool // it may make every request
	skipSanitize bool // RESTORE checks nothing: only printed, since servers do it for their own user
	passwords    [][sha256.Size]byte
	// selectors has the user's own rules first, and then those in parentheses.
	selectors []*selector
}

// selector is one set of rules: a request must be allowed by one of them.
type selector struct {
	allKeys, allChannels bool
	keys                 []keyPattern
	channels             []glob.Pattern
	commands             commands
	// only bounds the commands from outside of the rules; nil: not at all.
	only *commands
}

// keyPattern is a pattern of keys, and what may be done with them.
type keyPattern struct {
	glob.Pattern
	access routing.KeyAccess
}

const readWrite = routing.ReadsKey | routing.WritesKey

func newUser(name string) *User { return &User{name: name, selectors: []*selector{newSelector()}} }

func newSelector() *selector { return &selector{commands: newCommands()} }

// Name returns the user's name.
func (u *User) Name() string { return u.name }

// Defined reports whether the users are those of lines. Otherwise there is only the default user, who may do
// everything.
func (u *Users) Defined() bool { return u.source != "" }

// Names returns the names of the users that lines define, in order: the default user is among them only if a line is
// about it.
func (u *Users) Names() []string { return u.names }

// Unseen returns the commands in rules that are a module's, by their name, so that a server must have them: sorted.
func (u *Users) Unseen() []string { return u.unseen }

// At returns the users of a listener: u itself, unless Vary has given it others.
func (u *Users) At(listener int) *Users {
	if own := u.at[listener]; own != nil {
		return own
	}
	return u
}

// Vary returns the same users, with others at some listeners, by their IDs.
func (u *Users) Vary(at map[int]*Users) *Users {
	if len(at) == 0 {
		return u
	}
	varied := *u
	varied.at = at
	return &varied
}

// Lookup returns the user of a name, or nil.
func (u *Users) Lookup(name string) *User { return u.byName[name] }

// Initial returns the user of sessions that have not authenticated: the default user if it needs no password. Nil means
// that they must authenticate.
func (u *Users) Initial() *User {
	if d := u.byName[DefaultUser]; d.on && d.noPass {
		return d
	}
	return nil
}

// AsksPassword reports whether AUTH with a password alone can succeed: without a password of the default user servers
// take it for a mistake.
func (u *Users) AsksPassword() bool { return !u.byName[DefaultUser].noPass }

// Nobody has the rights of a client that has not authenticated: the commands that do that. It also stands for users
// that do not exist, so that refusing them takes as long.
var Nobody = newUser(DefaultUser)

// Authenticate returns the user of a name and a password; nil if there is none, or it is off. How long it takes depends
// on the password's length only.
func (u *Users) Authenticate(name, password []byte) *User {
	user := u.byName[string(name)]
	if user == nil {
		user = Nobody
	}
	sum, equal := sha256.Sum256(password), 0
	for i := range max(u.most, 1) {
		var of [sha256.Size]byte
		exists := 0
		if i < len(user.passwords) {
			of, exists = user.passwords[i], 1
		}
		equal |= subtle.ConstantTimeCompare(sum[:], of[:]) & exists
	}
	if !user.on || !user.noPass && equal == 0 {
		return nil
	}
	return user
}

// WithPassword returns the users of a gateway that has a password and defines none: the default user, who may do
// everything.
func WithPassword(password string) *Users {
	user := everything()
	user.passwords = append(user.passwords, sha256.Sum256([]byte(password)))
	return assemble("", map[string]*User{DefaultUser: user}, nil)
}

// WithoutPassword is WithPassword of a gateway that has no password: every client is the default user at once.
func WithoutPassword() *Users {
	user := everything()
	user.noPass = true
	return assemble("", map[string]*User{DefaultUser: user}, nil)
}

// OfServers returns the users where the servers decide what each may do, and know their passwords: the gateway lets
// nobody in by itself. As returns one.
func OfServers() *Users { return assemble("", map[string]*User{DefaultUser: everything()}, nil) }

// As returns the user of a name with the rights of the default user.
func (u *Users) As(name string) *User {
	if name == DefaultUser {
		return u.byName[DefaultUser]
	}
	user := *u.byName[DefaultUser]
	user.name = name
	return &user
}

// everything returns a default user that may do everything, without a way to authenticate.
func everything() *User {
	user := newUser(DefaultUser)
	user.on = true
	s := user.selectors[0]
	s.allKeys, s.allChannels = true, true
	s.commands.setAll(true)
	return user
}

// assemble makes the value of users that were parsed.
func assemble(source string, users map[string]*User, unseen []string) *Users {
	names := slices.Sorted(maps.Keys(users))
	if users[DefaultUser] == nil {
		users[DefaultUser] = newUser(DefaultUser)
	}
	slices.Sort(unseen)
	all := &Users{source: source, names: names, byName: users, unseen: slices.Compact(unseen)}
	for _, user := range users {
		all.sorted = append(all.sorted, user)
		all.most = max(all.most, len(user.passwords))
		own := user.selectors[0]
		user.unlimited = own.commands.all && own.allKeys && own.allChannels && own.only == nil
	}
	slices.SortFunc(all.sorted, func(a, b *User) int { return strings.Compare(a.name, b.name) })
	return all
}

package session

import (
	"fmt"
	"io"
)

// Credentials are what a client authenticates with, where the servers decide who it is. Those that are equal may share
// a connection. The zero value is none: a connection without AUTH. They print as the name of the user alone.
type Credentials struct {
	user, password string
	given          bool
	named          bool // a user was named: Redis words its errors otherwise without
}

// Password returns the credentials of AUTH with a password alone.
func Password(password string) Credentials {
	return Credentials{user: DefaultUser, password: password, given: true}
}

// UserPassword returns the credentials of AUTH with a user and a password.
func UserPassword(user, password string) Credentials {
	return Credentials{user: user, password: password, given: true, named: true}
}

// DefaultUser is the name of the user that a client is without credentials, or with a password alone.
const DefaultUser = "default"

// User is the name of the user.
func (c Credentials) User() string {
	if !c.given {
		return DefaultUser
	}
	return c.user
}

// None reports whether there are none.
func (c Credentials) None() bool { return !c.given }

// Auth is the command that presents them to a server; nil where there are none.
func (c Credentials) Auth() []string {
	switch {
	case !c.given:
		return nil
	case !c.named:
		return []string{"AUTH", c.password}
	}
	return []string{"AUTH", c.user, c.password}
}

// Format keeps every verb (%v, %+v, %#v, ...) from printing the password.
func (c Credentials) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.User()) }

// MarshalText keeps encoders from printing it.
func (c Credentials) MarshalText() ([]byte, error) { return []byte(c.User()), nil }

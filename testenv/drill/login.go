package drill

import (
	"crypto/tls"
	"errors"
	"fmt"

	"evergate/testenv/servers"
)

// Login is what a connection takes. Password is called at each use, so that the next dial takes a changed one; nil: no
// AUTH is sent.
type Login struct {
	// User is an ACL user; empty: the default one.
	User     string
	Password func() (string, error)
	// TLS returns the configuration for an address; nil: no TLS.
	TLS func(addr string) *tls.Config
}

// open connects.
func (l Login) open(addr string) (*servers.Conn, error) {
	if l.TLS != nil {
		return servers.DialTLS(addr, l.TLS(addr))
	}
	return servers.Dial(addr)
}

// greet authenticates a fresh connection. Its errors never contain the password.
func (l Login) greet(conn *servers.Conn) error {
	if l.Password == nil {
		return nil
	}
	password, err := l.Password()
	if err != nil {
		return err
	}
	args := []string{"AUTH", password}
	if l.User != "" {
		args = []string{"AUTH", l.User, password}
	}
	reply, err := conn.Do(args...)
	if err == nil && string(reply) != "+OK\r\n" {
		err = fmt.Errorf("the reply to AUTH is %.200q", reply)
	}
	return err
}

// dial connects and authenticates.
func (l Login) dial(addr string) (*servers.Conn, error) {
	conn, err := l.open(addr)
	if err != nil {
		return nil, err
	}
	if err := l.greet(conn); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", addr, err), conn.Close())
	}
	return conn, nil
}

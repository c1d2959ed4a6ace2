package certs_test

import (
	"crypto/tls"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"evergate/gateway/certs"
	"evergate/testenv/servers"
)

// patience bounds what a test waits for.
const patience = 30 * time.Second

// site is a directory with a CA and its files.
type site struct {
	t   *testing.T
	dir string
	ca  *servers.Authority
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t, t.TempDir(), newCA(t, "test CA")}
	s.write("ca.crt", s.ca.PEM)
	return s
}

func newCA(t *testing.T, name string) *servers.Authority {
	t.Helper()
	ca, err := servers.NewAuthority(name)
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func (s *site) path(name string) string { return filepath.Join(s.dir, name) }

func (s *site) write(name string, text []byte) string {
	s.t.Helper()
	if err := os.WriteFile(s.path(name), text, 0o600); err != nil {
		s.t.Fatal(err)
	}
	return s.path(name)
}

func (s *site) read(name string) []byte {
	s.t.Helper()
	text, err := os.ReadFile(s.path(name))
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}

// issue writes NAME.crt and NAME.key, signed by the site's CA.
func (s *site) issue(name string, i servers.Issue) (cert, key string) {
	s.t.Helper()
	return s.issueBy(s.ca, name, i)
}

func (s *site) issueBy(ca *servers.Authority, name string, i servers.Issue) (cert, key string) {
	s.t.Helper()
	cert, key, err := ca.WritePair(s.dir, name, i)
	if err != nil {
		s.t.Fatal(err)
	}
	return cert, key
}

// server makes a Server with one certificate for localhost, changed by with.
func (s *site) server(with func(*certs.ServerOptions)) *certs.Server {
	s.t.Helper()
	cert, key := s.issue("server", servers.Issue{Name: "server", Hosts: []string{"localhost", "127.0.0.1"}})
	o := certs.ServerOptions{CertFiles: []string{cert}, KeyFiles: []string{key}}
	if with != nil {
		with(&o)
	}
	made, err := certs.NewServer(o)
	if err != nil {
		s.t.Fatal(err)
	}
	return made
}

// client makes a Client that trusts the site's CA, changed by with.
func (s *site) client(with func(*certs.ClientOptions)) *certs.Client {
	s.t.Helper()
	o := certs.ClientOptions{Enabled: true, CAFile: s.path("ca.crt")}
	if with != nil {
		with(&o)
	}
	made, err := certs.NewClient(o)
	if err != nil {
		s.t.Fatal(err)
	}
	return made
}

// met is how a connection ended for both sides.
type met struct {
	client, server error
	state          tls.ConnectionState // of the client
}

// meet connects a client and a server over loopback. Each sends a byte after its handshake and reads the other's, so
// that tickets, and the alerts of a server that TLS 1.3 sends late, arrive.
func meet(t *testing.T, server, client *tls.Config) met {
	t.Helper()
	return join(t, func(conn net.Conn) error {
		return greet(tls.Server(conn, server))
	}, func(conn net.Conn) (tls.ConnectionState, error) {
		c := tls.Client(conn, client)
		err := greet(c)
		return c.ConnectionState(), err
	})
}

// greet runs the handshake, sends a byte and reads one.
func greet(c *tls.Conn) error {
	if err := c.Handshake(); err != nil {
		return err
	}
	if _, err := c.Write([]byte("x")); err != nil {
		return err
	}
	_, err := io.ReadFull(c, make([]byte, 1))
	return err
}

// join runs both sides of a connection.
func join(t *testing.T, server func(net.Conn) error, client func(net.Conn) (tls.ConnectionState, error)) (m met) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	served := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			_ = conn.SetDeadline(time.Now().Add(patience))
			err = server(conn)
			// The last byte or alert must not be lost by a reset: wait for the client's end.
			_ = conn.(*net.TCPConn).CloseWrite()
			_, _ = io.Copy(io.Discard, conn)
			_ = conn.Close()
		}
		served <- err
	}()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(patience))
	m.state, m.client = client(conn)
	_ = conn.Close()
	m.server = <-served
	return m
}

// mustMeet fails the test unless both sides are content.
func mustMeet(t *testing.T, server, client *tls.Config) tls.ConnectionState {
	t.Helper()
	m := meet(t, server, client)
	if m.client != nil || m.server != nil {
		t.Fatalf("client: %v, server: %v", m.client, m.server)
	}
	return m.state
}

package certs_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"evergate/gateway/certs"
	"evergate/testenv/servers"
)

// connects has a Client connect to a server that does something after its handshake, and then send and read.
func connects(t *testing.T, server *certs.Server, client *certs.Client, then func(*tls.Conn)) error {
	t.Helper()
	return join(t, func(conn net.Conn) error {
		c := tls.Server(conn, server.Config())
		err := c.Handshake()
		if err == nil {
			then(c)
		}
		return err
	}, func(conn net.Conn) (state tls.ConnectionState, err error) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		c, err := client.Connect(ctx, conn, "localhost:6380")
		if err != nil {
			return state, err
		}
		defer c.Close()
		for err == nil { // until the server has closed it
			if _, err = c.Write([]byte("x")); err == nil {
				_, err = c.Read(make([]byte, 1))
			}
		}
		return state, err
	}).client
}

func TestConnectExplains(t *testing.T) {
	s := newSite(t)
	cert, key := s.issue("app", servers.Issue{Name: "app"})
	other, otherKey := s.issueBy(newCA(t, "other CA"), "stranger", servers.Issue{Name: "stranger"})
	withCert := func(cert, key string) *certs.Client {
		return s.client(func(o *certs.ClientOptions) { o.CertFile, o.KeyFile = cert, key })
	}
	strict := s.server(func(o *certs.ServerOptions) { o.CAFile = s.path("ca.crt") })
	lax := s.server(func(o *certs.ServerOptions) { o.CAFile, o.ClientAuth = s.path("ca.crt"), certs.AuthOptional })
	closes := func(*tls.Conn) {}
	answers := func(c *tls.Conn) { _, _ = c.Write([]byte("x")); _, _ = c.Read(make([]byte, 1)) }
	const after = "TLS: it closes the connection after the TLS handshake: perhaps it "
	for _, test := range []struct {
		name   string
		server *certs.Server
		client *certs.Client
		then   func(*tls.Conn)
		want   string
	}{
		{"no certificate", strict, s.client(nil), closes, "TLS: it requires a client certificate"},
		{"a stranger", strict, withCert(other, otherKey), closes, "TLS: it rejects the client certificate: unknown CA"},
		{"closed at once", lax, s.client(nil), closes, after + "requires a client certificate"},
		{"closed at once, with one", lax, withCert(cert, key), closes, after + "rejects the client certificate"},
		{"closed later", lax, withCert(cert, key), answers, "EOF"},
		{"not asked", s.server(nil), withCert(cert, key), closes, "EOF"},
	} {
		err := connects(t, test.server, test.client, test.then)
		if err == nil || err.Error() != test.want {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

func TestConnectEndsWithItsContext(t *testing.T) {
	s := newSite(t)
	client := s.client(nil)
	quiet := make(chan struct{})
	m := join(t, func(net.Conn) error {
		<-quiet
		return nil
	}, func(conn net.Conn) (state tls.ConnectionState, err error) {
		defer close(quiet)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err = client.Connect(ctx, conn, "localhost:6380")
		if _, closed := conn.Write([]byte("x")); !errors.Is(closed, net.ErrClosed) {
			t.Errorf("the connection is open: %v", closed)
		}
		return state, err
	})
	want := certs.Failure("timeout during the TLS handshake: perhaps it does not speak TLS")
	if !errors.Is(m.client, want) {
		t.Errorf("%v, want %v", m.client, want)
	}
}

// TestConnectKeepsTimeouts: a read that finds nothing in time does not end the connection.
func TestConnectKeepsTimeouts(t *testing.T) {
	s := newSite(t)
	server, client := s.server(nil), s.client(nil)
	timedOut := make(chan struct{})
	m := join(t, func(conn net.Conn) error {
		c := tls.Server(conn, server.Config())
		if err := c.Handshake(); err != nil {
			return err
		}
		<-timedOut
		_, err := c.Write([]byte("x"))
		return err
	}, func(conn net.Conn) (state tls.ConnectionState, err error) {
		release := sync.OnceFunc(func() { close(timedOut) })
		defer release()
		c, err := client.Connect(t.Context(), conn, "localhost:6380")
		if err != nil {
			return state, err
		}
		_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
		_, err = c.Read(make([]byte, 1))
		var network net.Error
		if !errors.As(err, &network) || !network.Timeout() {
			t.Errorf("%v is no timeout", err)
		}
		release()
		_ = c.SetReadDeadline(time.Now().Add(patience))
		_, err = io.ReadFull(c, make([]byte, 1))
		return state, err
	})
	if m.client != nil || m.server != nil {
		t.Errorf("client %v, server %v", m.client, m.server)
	}
}

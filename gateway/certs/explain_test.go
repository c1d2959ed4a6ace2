package certs_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"evergate/gateway/certs"
	"evergate/testenv/servers"
)

var (
	longAgo  = time.Date(2020, 1, 2, 3, 4, 0, 0, time.UTC)
	farAhead = time.Date(2099, 1, 2, 3, 4, 0, 0, time.UTC)
)

func TestExplainCertificates(t *testing.T) {
	s := newSite(t)
	localhost := []string{"localhost"}
	oldCA, err := s.ca.Intermediate(servers.Issue{Name: "old CA", From: longAgo})
	if err != nil {
		t.Fatal(err)
	}
	reborn := newCA(t, "test CA")
	for _, test := range []struct {
		by    *servers.Authority
		issue servers.Issue
		chain []byte
		want  string
	}{
		{s.ca, servers.Issue{Hosts: localhost, From: longAgo}, nil, "its certificate expired on 2020-01-03 03:04 UTC"},
		{s.ca, servers.Issue{Hosts: localhost, From: farAhead}, nil,
			"its certificate is not valid before 2099-01-02 03:04 UTC: a clock may be wrong"},
		{s.ca, servers.Issue{Hosts: []string{"a.example", "10.0.0.1"}}, nil,
			"its certificate is for a.example, 10.0.0.1, not for localhost"},
		{s.ca, servers.Issue{Name: "localhost"}, nil,
			"its certificate is not for localhost: it has no subject alternative name"},
		{s.ca, servers.Issue{Hosts: localhost, Usage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, nil,
			"its certificate is not meant for this side of TLS (extended key usage)"},
		{newCA(t, "other CA"), servers.Issue{Hosts: localhost}, nil,
			`its certificate is signed by an unknown CA, "CN=other CA"`},
		{reborn, servers.Issue{Hosts: localhost}, nil,
			`its certificate is signed by "CN=test CA", but not by the trusted CA of that name`},
		{nil, servers.Issue{Hosts: localhost}, nil,
			"its certificate is signed by itself, and is not among the trusted CAs"},
		{oldCA, servers.Issue{Hosts: localhost}, oldCA.PEM,
			`its certificate is signed by a CA, "CN=old CA", that expired on 2020-01-03 03:04 UTC`},
	} {
		var cert, key []byte
		var err error
		if test.by != nil {
			cert, key, err = test.by.Sign(test.issue)
		} else {
			cert, key, err = selfSigned(test.issue)
		}
		if err != nil {
			t.Fatal(err)
		}
		s.write("bad.crt", append(cert, test.chain...))
		s.write("bad.key", key)
		server, err := certs.NewServer(certs.ServerOptions{CertFiles: []string{s.path("bad.crt")},
			KeyFiles: []string{s.path("bad.key")}})
		if err != nil {
			t.Fatal(err)
		}
		m := meet(t, server.Config(), s.client(nil).Config("localhost"))
		if m.client == nil {
			t.Errorf("%+v is accepted, want %q", test.issue, test.want)
			continue
		}
		if got := certs.Explain(m.client); got != test.want || !certs.Is(m.client) {
			t.Errorf("%q, want %q (from %v)", got, test.want, m.client)
		}
		if got := certs.ExplainClient(m.server); !strings.HasPrefix(got, "it rejects the gateway's certificate: ") {
			t.Errorf("the server says %q of that client (%v)", got, m.server)
		}
	}
}

// selfSigned makes a certificate that is no CA and signs itself.
func selfSigned(i servers.Issue) (cert, key []byte, err error) {
	return (&servers.Authority{}).Sign(i)
}

func TestExplainHandshakes(t *testing.T) {
	s := newSite(t)
	unknown, unknownKey := s.issueBy(newCA(t, "other CA"), "stranger", servers.Issue{Name: "stranger"})
	expired, expiredKey := s.issue("expired", servers.Issue{Name: "expired", From: longAgo})
	for _, test := range []struct {
		server        []string // versions
		client        []string
		cert, key     string
		want, server2 string
	}{
		{nil, []string{"TLSv1.3"}, "", "", "it requires a client certificate",
			"it has no client certificate, which tls-auth-clients requires"},
		{nil, []string{"TLSv1.2"}, "", "", "it refuses the TLS handshake: it requires a client certificate, or has no " +
			"common cipher suite with the gateway", "it has no client certificate, which tls-auth-clients requires"},
		{nil, nil, unknown, unknownKey, "it rejects the client certificate: unknown CA",
			`its certificate is signed by an unknown CA, "CN=other CA"`},
		{nil, nil, expired, expiredKey, "it rejects the client certificate: expired",
			"its certificate expired on 2020-01-03 03:04 UTC"},
		{[]string{"TLSv1.3"}, []string{"TLSv1.2"}, "", "", "it has no common version of TLS with the gateway",
			"it has no common version of TLS with the gateway"},
		{[]string{"TLSv1.2"}, []string{"TLSv1.3"}, "", "", "it has no common version of TLS with the gateway",
			"it has no common version of TLS with the gateway"},
	} {
		server := s.server(func(o *certs.ServerOptions) { o.CAFile, o.Protocols = s.path("ca.crt"), test.server })
		client := s.client(func(o *certs.ClientOptions) {
			o.CertFile, o.KeyFile, o.Protocols = test.cert, test.key, test.client
		})
		m := meet(t, server.Config(), client.Config("localhost"))
		if m.client == nil || m.server == nil {
			t.Errorf("%+v: client %v, server %v", test, m.client, m.server)
			continue
		}
		if got := certs.Explain(m.client); got != test.want || !certs.Is(m.client) {
			t.Errorf("%q, want %q (from %v)", got, test.want, m.client)
		}
		if got := certs.ExplainClient(m.server); got != test.server2 || !certs.Is(m.server) {
			t.Errorf("%q, want %q (from %v)", got, test.server2, m.server)
		}
	}
}

// TestExplainServersWithoutTLS meets servers that answer a handshake by something else.
func TestExplainServersWithoutTLS(t *testing.T) {
	s := newSite(t)
	for _, test := range []struct {
		answer, want string
		is           bool
	}{
		{"-ERR unknown command\r\n", "it does not speak TLS: a Redis server without TLS answers", true},
		{"HTTP/1.1 400 Bad Request\r\n", "it does not speak TLS: an HTTP server answers", true},
		{"SSH-2.0-OpenSSH\r\n", "it does not speak TLS: its answer is no TLS record", true},
		{"", "it closes the connection during the TLS handshake", false},
	} {
		m := join(t, func(conn net.Conn) error {
			_, _ = conn.Read(make([]byte, 1))
			_, err := conn.Write([]byte(test.answer))
			return err
		}, func(conn net.Conn) (tls.ConnectionState, error) {
			return tls.ConnectionState{}, tls.Client(conn, s.client(nil).Config("localhost")).Handshake()
		})
		if got := certs.Explain(m.client); got != test.want || certs.Is(m.client) != test.is {
			t.Errorf("%q, want %q (from %v)", got, test.want, m.client)
		}
	}
}

// TestExplainClientsWithoutTLS meets clients that begin with something else.
func TestExplainClientsWithoutTLS(t *testing.T) {
	s := newSite(t)
	server := s.server(nil)
	for _, test := range []struct{ first, want string }{
		{"*1\r\n$4\r\nPING\r\n", "it sent a Redis command without TLS to a TLS port"},
		{"PING\r\n", "it sent text without TLS to a TLS port"},
		{"GET / HTTP/1.1\r\n", "it sent an HTTP request to a TLS port"},
		{"POST /x HTTP/1.1\r\n", "it sent an HTTP request to a TLS port"},
		{"PROXY TCP4 1.2.3.4", "it sent a header of the PROXY protocol to a TLS port that expects none"},
		{"\r\n\r\n\x00\r\nQUIT\n", "it sent a header of the PROXY protocol to a TLS port that expects none"},
		{"\x80\x2e\x01\x00\x02\x00\x15", "it greeted in SSL 2"},
		{"\x00\x01\x02\x03\x04\x05", "it sent no TLS to a TLS port"},
		{"", "it closed the connection during the TLS handshake"},
		{"\x16\x03\x01", "it closed the connection during the TLS handshake"},
	} {
		m := join(t, func(conn net.Conn) error {
			return tls.Server(conn, server.Config()).Handshake()
		}, func(conn net.Conn) (tls.ConnectionState, error) {
			_, err := conn.Write([]byte(test.first))
			_ = conn.(*net.TCPConn).CloseWrite()
			_, _ = io.Copy(io.Discard, conn)
			return tls.ConnectionState{}, err
		})
		if got := certs.ExplainClient(m.server); got != test.want {
			t.Errorf("%q: %q, want %q (from %v)", test.first, got, test.want, m.server)
		}
	}
}

func TestExplainTimeouts(t *testing.T) {
	s := newSite(t)
	server, client := s.server(nil), s.client(nil)
	m := join(t, func(conn net.Conn) error {
		_ = conn.SetDeadline(time.Now().Add(time.Millisecond))
		return tls.Server(conn, server.Config()).Handshake()
	}, func(conn net.Conn) (tls.ConnectionState, error) {
		_, _ = io.Copy(io.Discard, conn) // says nothing
		return tls.ConnectionState{}, nil
	})
	if got, want := certs.ExplainClient(m.server), "it did not finish the TLS handshake in time"; got != want {
		t.Errorf("%q, want %q (from %v)", got, want, m.server)
	}
	quiet := make(chan struct{})
	m = join(t, func(conn net.Conn) error {
		<-quiet
		return nil
	}, func(conn net.Conn) (tls.ConnectionState, error) {
		defer close(quiet)
		_ = conn.SetDeadline(time.Now().Add(time.Millisecond))
		return tls.ConnectionState{}, tls.Client(conn, client.Config("localhost")).Handshake()
	})
	want := "timeout during the TLS handshake: perhaps it does not speak TLS"
	if got := certs.Explain(m.client); got != want {
		t.Errorf("%q, want %q (from %v)", got, want, m.client)
	}
}

func TestExplainOthers(t *testing.T) {
	refused := errors.New("connection refused")
	if got := certs.Explain(refused); got != "connection refused" || certs.Is(refused) || certs.Is(nil) {
		t.Errorf("%q", got)
	}
	alert := &net.OpError{Op: "remote error", Err: tls.AlertError(80)}
	if got, want := certs.Explain(alert), "it ends TLS: internal error"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := certs.ExplainClient(alert), "it ended TLS: internal error"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := certs.ExplainClient(errors.New("tls: odd")), "TLS: odd"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

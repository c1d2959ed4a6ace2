//go:build linux

package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"evergate/gateway/tlsconn"
	"evergate/testenv/servers"
)

// pair is the certificate of all targets with TLS, and what makes a client trust it.
type pair struct {
	cert, key string // files
	both      string // a file with both, as HAProxy wants them
	client    *tls.Config
}

// certificate makes the pair, once.
func (s *site) certificate() (*pair, error) {
	if s.cert != nil {
		return s.cert, nil
	}
	ca, err := servers.NewAuthority("bench")
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca.Certificate)
	// The key exchange is the one that all targets can: an OpenSSL of before 3.5 has none of the hybrid ones.
	p := &pair{client: &tls.Config{RootCAs: roots, ServerName: "127.0.0.1", DynamicRecordSizingDisabled: true,
		CurvePreferences: []tls.CurveID{tls.X25519}}}
	if p.cert, p.key, err = ca.WritePair(s.dir, "bench", servers.Issue{Hosts: []string{"127.0.0.1"}}); err != nil {
		return nil, err
	}
	cert, err := os.ReadFile(p.cert)
	if err != nil {
		return nil, err
	}
	key, err := os.ReadFile(p.key)
	if err != nil {
		return nil, err
	}
	if p.both, err = s.write("bench.pem", string(cert)+string(key)); err != nil {
		return nil, err
	}
	s.cert = p
	return p, nil
}

func (s *site) evergateTLS(addr string) (*target, error) {
	p, err := s.certificate()
	if err != nil {
		return nil, err
	}
	plain, err := freeAddr()
	if err != nil {
		return nil, err
	}
	t, err := s.gateway("evergate-tls", plain, 1, "--primary", s.server.addr, "--tls-listen", addr,
		"--tls-cert-file", p.cert, "--tls-key-file", p.key, "--tls-auth-clients", "no")
	if err == nil {
		t.addr = addr
	}
	return t, err
}

func (s *site) haproxyTLS(addr string) (*target, error) {
	p, err := s.certificate()
	if err != nil {
		return nil, err
	}
	return s.haproxyWith("haproxy-tls", addr, "ssl crt "+p.both)
}

// dial connects one connection of the load, non-blocking; behind the handshake if there is one.
func (l *load) dial() (fd int, secure *tlsconn.Conn, err error) {
	if l.tls == nil {
		fd, err = dial(l.addr)
		return fd, nil, err
	}
	conn, err := net.Dial("tcp", l.addr)
	if err != nil {
		return -1, nil, err
	}
	secure = tlsconn.Client(conn, l.tls)
	if err := secure.Handshake(); err != nil {
		return -1, nil, errors.Join(err, conn.Close())
	}
	file, err := conn.(*net.TCPConn).File()
	if err != nil {
		return -1, nil, errors.Join(err, conn.Close())
	}
	defer file.Close()
	if fd, err = unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 3); err != nil {
		return -1, nil, fmt.Errorf("duplicate a descriptor: %w", err)
	}
	secure.Detach()
	return fd, secure, errors.Join(conn.Close(), unix.SetNonblock(fd, true))
}

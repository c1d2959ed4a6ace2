package servers

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
)

// TLS has the files of an Env whose servers speak TLS alone: a CA made for it, and one certificate that servers,
// Sentinels and clients show each other.
type TLS struct {
	CA, Cert, Key string
	Authority     *Authority
}

// newTLS makes the files in dir. The certificate is for all loopback addresses.
func newTLS(dir string) (*TLS, error) {
	ca, err := NewAuthority("Evergate test CA")
	if err != nil {
		return nil, err
	}
	t := &TLS{CA: filepath.Join(dir, "ca.crt"), Authority: ca}
	t.Cert, t.Key, err = ca.WritePair(dir, "all", Issue{Name: "Evergate test",
		Hosts: []string{"localhost", IPv4Loopback, "::1"}})
	return t, errors.Join(err, WriteCAs(t.CA, ca))
}

// lines are those of a server's or Sentinel's configuration. Redis requires certificates of clients unless told
// otherwise.
func (t *TLS) lines(port int) []string {
	return []string{
		"port 0",
		fmt.Sprint("tls-port ", port),
		"tls-cert-file " + t.Cert,
		"tls-key-file " + t.Key,
		"tls-ca-cert-file " + t.CA,
		"tls-replication yes",
		"tls-cluster yes",
	}
}

// Client returns a configuration for clients, with a certificate.
func (t *TLS) Client() (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(t.Authority.Certificate)
	return &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}}, nil
}

// ToServers are the gateway's arguments for TLS towards servers and, with sentinels, towards Sentinels.
func (t *TLS) ToServers(sentinels bool) (args []string) {
	legs := []string{"--upstream-tls"}
	if sentinels {
		legs = append(legs, "--sentinel-tls")
	}
	for _, leg := range legs {
		args = append(args, leg, leg+"-ca-file", t.CA, leg+"-cert-file", t.Cert, leg+"-key-file", t.Key)
	}
	return args
}

// DialTLS is Dial with TLS.
func DialTLS(addr string, config *tls.Config) (*Conn, error) {
	dialer := &net.Dialer{Timeout: ReplyPatience}
	c, err := tls.DialWithDialer(dialer, "tcp", addr, config)
	if err != nil {
		return nil, err
	}
	return NewConn(c), nil
}

// DialTLSFrom is DialFrom with TLS.
func DialTLSFrom(from, addr string, config *tls.Config) (*Conn, error) {
	dialer := &net.Dialer{Timeout: ReplyPatience, LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c, err := tls.DialWithDialer(dialer, "tcp", addr, config)
	if err != nil {
		return nil, err
	}
	return NewConn(c), nil
}

// MustDialTLS is DialTLS for a test, at whose end the Conn is closed.
func MustDialTLS(t T, addr string, config *tls.Config) *Conn {
	t.Helper()
	c, err := DialTLS(addr, config)
	if err != nil {
		t.Fatalf("dialling %s: %v", addr, err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// NeedsTLS is SkipShort, and skips a test if the servers were built without TLS.
func NeedsTLS(t T) {
	t.Helper()
	SkipShort(t)
	binary, err := ServerBinary()
	if err != nil {
		t.Fatalf("finding a server: %v", err)
	}
	built, err := speaksTLS(binary)
	if err != nil {
		t.Fatalf("asking %s whether it speaks TLS: %v", binary, err)
	}
	if !built {
		t.Skip(binary + " was built without TLS")
	}
}

// speaksTLS reports whether a server program was built with TLS.
func speaksTLS(binary string) (bool, error) {
	dir, err := newOwnedDir()
	if err != nil {
		return false, err
	}
	defer func() { _ = dir.remove() }()
	// A server without TLS does not know the directive; one with it misses the certificate. Both end at once.
	log := filepath.Join(dir.path, "log")
	p, err := StartProcess(dir.path, log, binary, []string{"--port", "0", "--tls-port", "1", "--tls-cert-file", "none"})
	if err != nil {
		return false, err
	}
	<-p.Exited()
	return !strings.Contains(p.LogTail(logTailBytes), "FATAL CONFIG FILE ERROR"), nil
}

package gateway

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"evergate/gateway/certs"
	"evergate/gateway/config"
)

// overTLS ends the name of a test whose clients and servers speak TLS.
const overTLS = "-tls"

func isSecure(t testing.TB) bool { return strings.Contains(t.Name(), overTLS) }

// testCert is one certificate for 127.0.0.1 that signs itself, in files.
var testCert = sync.OnceValues(func() (dir string, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", err
	}
	if dir, err = os.MkdirTemp("", "evergate-tls"); err != nil {
		return "", err
	}
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: cert}, "key.pem": {Type: "PRIVATE KEY", Bytes: der},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			return "", err
		}
	}
	return dir, nil
})

func certFiles(t testing.TB) (cert, key string) {
	t.Helper()
	dir, err := testCert()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
}

func serverOptions(t testing.TB) certs.ServerOptions {
	cert, key := certFiles(t)
	return certs.ServerOptions{CertFiles: []string{cert}, KeyFiles: []string{key}, ClientAuth: certs.AuthNo}
}

func testServerTLS(t testing.TB) *tls.Config {
	t.Helper()
	material, err := certs.NewServer(serverOptions(t))
	if err != nil {
		t.Fatal(err)
	}
	return material.Config()
}

func testClientTLS(t testing.TB) *tls.Config {
	t.Helper()
	cert, _ := certFiles(t)
	material, err := certs.NewClient(certs.ClientOptions{Enabled: true, CAFile: cert})
	if err != nil {
		t.Fatal(err)
	}
	return material.Config("127.0.0.1:1")
}

// secure turns on TLS for clients and servers.
func secure(t testing.TB, s *config.Service) {
	cert, _ := certFiles(t)
	if !strings.HasPrefix(s.Listen[0], "unix:") {
		s.TLSListen, s.Listen = s.Listen, nil
		s.TLS = serverOptions(t)
	}
	s.UpstreamTLS = certs.ClientOptions{Enabled: true, CAFile: cert}
}

// eitherListener speaks TLS with who begins with it, and none with others.
type eitherListener struct {
	net.Listener
	conf  *tls.Config
	stall *atomic.Int64
	// secured counts the connections with TLS.
	secured *atomic.Int64
}

func (l eitherListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &eitherConn{Conn: c, conf: l.conf, stall: l.stall, secured: l.secured}, nil
}

// eitherConn decides with the first byte.
type eitherConn struct {
	net.Conn
	conf *tls.Config
	once sync.Once
	is   net.Conn

	stall, secured *atomic.Int64
	read           int64
}

func (c *eitherConn) decide() net.Conn {
	c.once.Do(func() {
		first := bufio.NewReader(c.Conn)
		b, err := first.Peek(1)
		c.is = readFrom{c.Conn, first}
		if err == nil && b[0] == 22 {
			c.is = tls.Server(c.is, c.conf)
			c.secured.Add(1)
		}
	})
	return c.is
}

func (c *eitherConn) Read(b []byte) (int, error) {
	if at := c.stall.Load(); at > 0 && c.read > at && c.stall.CompareAndSwap(at, 0) {
		_ = c.Conn.(*net.TCPConn).SetLinger(0)
		return 0, io.ErrUnexpectedEOF
	}
	n, err := c.decide().Read(b)
	c.read += int64(n)
	return n, err
}

func (c *eitherConn) Write(b []byte) (int, error) { return c.decide().Write(b) }

type readFrom struct {
	net.Conn
	io.Reader
}

func (r readFrom) Read(b []byte) (int, error) { return r.Reader.Read(b) }

// logged collects log lines.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// startBoth runs a gateway with a plain listener and one of TLS.
func startBoth(t *testing.T, makeLoop maker, change func(*config.Gateway)) (g *Gateway, plain, secured string,
	log *logged) {
	t.Helper()
	conf := config.Default()
	conf.Workers = 1
	conf.Services = []config.Service{{Name: "default", Listen: []string{"127.0.0.1:0"}, TLSListen: []string{"127.0.0.1:0"},
		TLS: serverOptions(t), Primary: startNode(t).addr}}
	if change != nil {
		change(&conf)
	}
	log = &logged{}
	g, err := newWith(conf, hclog.New(&hclog.LoggerOptions{Output: log}), makeLoop)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	until(t, "the topology is known", func() bool { return g.View(0) != nil })
	return g, g.Addrs()[0].String(), g.Addrs()[1].String(), log
}

// TestWrongKindOfClient: one without TLS on a port with it, and the reverse, is closed, and one line says what it was.
func TestWrongKindOfClient(t *testing.T) {
	for name, makeLoop := range loops {
		t.Run(name, func(t *testing.T) {
			_, plain, secured, log := startBoth(t, makeLoop, nil)
			connect(t, plain).want("+PONG\r\n", "PING")
			for range 3 {
				p := connect(t, secured)
				p.send("PING")
				if got := p.reply(); got != "closed" {
					t.Fatalf("a plain client of a TLS port got %q", got)
				}
			}
			until(t, "a line about it", func() bool { return strings.Contains(log.String(), "TLS handshake failed") })
			for range 3 {
				c, err := tls.Dial("tcp", plain, testClientTLS(t))
				if err == nil {
					_ = c.Close()
					t.Fatal("a handshake on a plain port")
				}
			}
			until(t, "a line about it", func() bool { return strings.Contains(log.String(), "TLS on a port without TLS") })
			p := connect(t, plain)
			p.send("INFO", "gateway")
			if got := p.reply(); !strings.Contains(got, "\r\ntls_handshakes:0\r\ntls_handshakes_failed:3\r\n") {
				t.Errorf("INFO says %s", got)
			}
			for _, line := range []string{"TLS handshake failed", "TLS on a port without TLS"} {
				if n := strings.Count(log.String(), line); n != 1 {
					t.Errorf("%q is there %d times:\n%s", line, n, log)
				}
			}
		})
	}
}

// TestStalledHandshakes: clients that stop in the middle of a handshake end in time, count as clients, hold up neither
// others nor the end of the gateway.
func TestStalledHandshakes(t *testing.T) {
	for name, makeLoop := range loops {
		t.Run(name, func(t *testing.T) {
			g, _, secured, _ := startBoth(t, makeLoop, func(c *config.Gateway) {
				c.Limits.ClientsMax, c.Limits.HandshakeMax = 5, 300*time.Millisecond
			})
			var stalled []net.Conn
			for range 5 {
				c, err := net.Dial("tcp", secured)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = c.Close() }()
				_, _ = c.Write([]byte{22, 3, 1, 2, 0, 1, 0})
				stalled = append(stalled, c)
			}
			until(t, "they are under way", func() bool { return g.handshakes.UnderWay() == 5 })
			if c, err := tls.Dial("tcp", secured, testClientTLS(t)); err == nil {
				_ = c.Close()
				t.Error("a sixth client fits")
			}
			for _, c := range stalled {
				_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
				if _, err := io.Copy(io.Discard, c); err != nil && !strings.Contains(err.Error(), "reset") {
					t.Fatalf("a stalled handshake did not end: %v", err)
				}
			}
			until(t, "they have ended", func() bool { return g.handshakes.UnderWay() == 0 })
			c, err := tls.Dial("tcp", secured, testClientTLS(t))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			p := &peer{t: t, Conn: c}
			p.want("+PONG\r\n", "PING")
		})
	}
}

// TestHandshakesEndWithTheGateway: nobody waits for a client in the middle of a handshake.
func TestHandshakesEndWithTheGateway(t *testing.T) {
	g, _, secured, _ := startBoth(t, loops["system"], func(c *config.Gateway) { c.Limits.HandshakeMax = time.Hour })
	c, err := net.Dial("tcp", secured)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	until(t, "it is under way", func() bool { return g.handshakes.UnderWay() == 1 })
	if err := g.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := g.handshakes.UnderWay(); n != 0 {
		t.Fatalf("%d handshakes are under way after the drain", n)
	}
}

// TestManySecureClients: many clients with big and small values at once, each of which gets its own.
func TestManySecureClients(t *testing.T) {
	for name, makeLoop := range loops {
		t.Run(name+overTLS, func(t *testing.T) {
			_, addr := start(t, makeLoop, startNode(t), nil)
			var all sync.WaitGroup
			for i := range 8 {
				p := connect(t, addr)
				all.Go(func() {
					for n := range 30 {
						value := strings.Repeat(fmt.Sprintf("%d-%d.", i, n), 1+(n*n*n*97)%40_000)
						key := fmt.Sprint("k", i)
						p.send("SET", key, value)
						if got := p.reply(); got != "+OK\r\n" {
							t.Errorf("SET: %.100q", got)
							return
						}
						p.send("GET", key)
						if got := p.reply(); got != fmt.Sprintf("$%d\r\n%s\r\n", len(value), value) {
							t.Errorf("GET: another value: %.100q", got)
							return
						}
					}
				})
			}
			all.Wait()
		})
	}
}

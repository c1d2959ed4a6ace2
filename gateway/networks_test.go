package gateway

import (
	"crypto/tls"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pires/go-proxyproto"

	"evergate/gateway/config"
)

// through connects with a PROXY header that names the client 192.0.2.7:4711; an empty one: with none.
func through(t *testing.T, addr string, version byte) *peer {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if version > 0 {
		client := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 4711}
		if _, err := proxyproto.HeaderProxyFromAddrs(version, client, c.RemoteAddr()).WriteTo(c); err != nil {
			t.Fatal(err)
		}
	}
	return &peer{t: t, Conn: c}
}

// TestProxyHeader: what a load balancer says about a client holds for CLIENT LIST and the allowed networks, with TLS
// behind the header and without.
func TestProxyHeader(t *testing.T) {
	for name, makeLoop := range loops {
		t.Run(name, func(t *testing.T) {
			g, plain, secured, log := startBoth(t, makeLoop, func(c *config.Gateway) {
				c.Services[0].Networks.ProxyFrom = []string{"127.0.0.0/8"}
				c.Services[0].Networks.Allow = []string{"192.0.2.0/24"}
				c.Limits.HandshakeMax = time.Minute
			})
			for version := byte(1); version <= 2; version++ {
				for _, addr := range []string{plain, secured} {
					p := through(t, addr, version)
					if addr == secured {
						p.Conn = tls.Client(p.Conn, testClientTLS(t))
					}
					p.want("+PONG\r\n", "PING")
					p.send("CLIENT", "INFO")
					if got := p.reply(); !strings.Contains(got, " addr=192.0.2.7:4711 laddr="+addr+" ") {
						t.Errorf("version %d at %s: %s", version, addr, got)
					}
				}
			}
			p := through(t, plain, 0)
			p.send("PING")
			if got := p.reply(); got != "closed" {
				t.Errorf("without a header: %q", got)
			}
			until(t, "a line about it", func() bool { return strings.Contains(log.String(), "it sent no PROXY header") })
			until(t, "nobody is on the way", func() bool { return g.handshakes.UnderWay() == 0 })
		})
	}
}

// TestMalformedHeadersAreOneLine: each has an error of its own, and all together are one line of the log.
func TestMalformedHeadersAreOneLine(t *testing.T) {
	g, plain, _, log := startBoth(t, loops["system"], func(c *config.Gateway) {
		c.Services[0].Networks.ProxyFrom = []string{"127.0.0.0/8"}
		c.Limits.HandshakeMax = time.Minute
	})
	const clients = 50
	for i := range clients {
		p := through(t, plain, 0)
		// Version 2 with a length that is too large, which the error repeats.
		header := append([]byte("\r\n\r\n\x00\r\nQUIT\n!\x11"), 255, byte(i))
		if _, err := p.Write(header); err != nil {
			t.Fatal(err)
		}
		if got := p.reply(); got != "closed" {
			t.Fatalf("header %d: %q", i, got)
		}
	}
	if n := g.turnedAway.Load(); n != clients {
		t.Errorf("%d clients were turned away", n)
	}
	if lines := strings.Count(log.String(), "client turned away"); lines != 1 {
		t.Errorf("%d lines:\n%s", lines, log)
	}
}

// TestAllowedNetworks: a client from elsewhere is closed at once; listeners may differ.
func TestAllowedNetworks(t *testing.T) {
	_, plain, second, log := startBoth(t, loops["system"], func(c *config.Gateway) {
		c.Services[0].Listen = append(c.Services[0].Listen, "127.0.0.2:0")
		c.Services[0].Networks.Allow = []string{"10.0.0.0/8"}
		c.Services[0].Networks.ListenAllow = map[string][]string{"127.0.0.2:0": {"10.0.0.0/8", "127.0.0.0/8"}}
	})
	if got := connect(t, plain).reply(); got != "closed" {
		t.Errorf("from elsewhere: %q", got)
	}
	until(t, "a line about it", func() bool { return strings.Contains(log.String(), "its network is not allowed") })
	connect(t, second).want("+PONG\r\n", "PING")
}

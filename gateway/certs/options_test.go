package certs_test

import (
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"evergate/gateway/certs"
	"evergate/testenv/servers"
)

func TestFaults(t *testing.T) {
	s := newSite(t)
	cert, key := s.issue("server", servers.Issue{Name: "server", Hosts: []string{"localhost"}})
	other, _ := s.issue("other", servers.Issue{Name: "other"})
	block := &pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")}
	encrypted := s.write("encrypted.key", pem.EncodeToMemory(block))
	damaged := s.write("damaged.crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}))
	for _, test := range []struct {
		with         func(*certs.ServerOptions)
		option, want string
	}{
		{func(o *certs.ServerOptions) { o.CertFiles, o.KeyFiles = nil, nil }, "cert-file", "is missing"},
		{func(o *certs.ServerOptions) { o.CertFiles = []string{cert, other} }, "key-file",
			"(1) and of certificates (2) differ"},
		{func(o *certs.ServerOptions) { o.ClientAuth = "sure" }, "auth-clients", `"sure" is not one of no, optional, yes`},
		{func(o *certs.ServerOptions) { o.ClientAuth = certs.AuthYes }, "auth-clients", "needs a file of the CAs"},
		{func(o *certs.ServerOptions) { o.ClientAuth, o.CAFile = certs.AuthNo, cert }, "ca-file", "is unused"},
		{func(o *certs.ServerOptions) { o.Protocols = []string{"TLSv1.1"} }, "protocols",
			`"TLSv1.1" is not one of TLSv1.2, TLSv1.3`},
		{func(o *certs.ServerOptions) { o.Ciphers = []string{"AES128-SHA"} }, "ciphers",
			"AES128-SHA is not secure; choose from ECDHE-"},
		{func(o *certs.ServerOptions) { o.Ciphers = []string{"DES-CBC3-SHA"} }, "ciphers", "is not secure"},
		{func(o *certs.ServerOptions) { o.Ciphers = []string{"TLS_AES_128_GCM_SHA256"} }, "ciphers", "of TLS 1.3"},
		{func(o *certs.ServerOptions) { o.Ciphers = []string{"HIGH"} }, "ciphers", `"HIGH" is not one of ECDHE-`},
		{func(o *certs.ServerOptions) {
			o.Protocols, o.Ciphers = []string{"TLSv1.3"}, []string{"ECDHE-ECDSA-AES128-GCM-SHA256"}
		}, "ciphers", "is unused"},
		{func(o *certs.ServerOptions) { o.CertFiles = []string{other} }, "key-file",
			"server.key: is not the private key of " + other},
		{func(o *certs.ServerOptions) { o.CertFiles = []string{key} }, "cert-file", "has no certificate"},
		{func(o *certs.ServerOptions) { o.KeyFiles = []string{cert} }, "key-file", "has no private key"},
		{func(o *certs.ServerOptions) { o.KeyFiles = []string{encrypted} }, "key-file", "is encrypted"},
		{func(o *certs.ServerOptions) { o.CAFile = damaged }, "ca-file", "certificate 1 of 1: malformed certificate"},
		{func(o *certs.ServerOptions) { o.CAFile = s.path("none") }, "ca-file", "none: no such file or directory"},
		{func(o *certs.ServerOptions) { o.CAFile = s.dir }, "ca-file", "is a directory"},
		{func(o *certs.ServerOptions) { o.CAFile = "/dev/zero" }, "ca-file", "is longer than 1048576 bytes"},
	} {
		o := certs.ServerOptions{CertFiles: []string{cert}, KeyFiles: []string{key}}
		test.with(&o)
		_, err := certs.NewServer(o)
		var fault *certs.Fault
		if !errors.As(err, &fault) || fault.Option != test.option || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: %v, want %q about %s", o, err, test.want, test.option)
		}
	}
	for _, test := range []struct {
		o            certs.ClientOptions
		option, want string
	}{
		{certs.ClientOptions{KeyFile: key}, "cert-file", "is missing"},
		{certs.ClientOptions{CertFile: cert}, "key-file", "is missing"},
		{certs.ClientOptions{CertFile: other, KeyFile: key}, "key-file", "is not the private key of"},
		{certs.ClientOptions{CAFile: key}, "ca-file", "has no certificate"},
		{certs.ClientOptions{Protocols: []string{"SSLv3"}}, "protocols", "is not one of"},
	} {
		_, err := certs.NewClient(test.o)
		var fault *certs.Fault
		if !errors.As(err, &fault) || fault.Option != test.option || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: %v, want %q about %s", test.o, err, test.want, test.option)
		}
	}
}

// TestFaultsHideKeys breaks a private key at each byte: no error may quote it.
func TestFaultsHideKeys(t *testing.T) {
	s := newSite(t)
	cert, key := s.issue("server", servers.Issue{Name: "server"})
	whole := s.read("server.key")
	failed := 0
	for i := range whole {
		broken := append([]byte(nil), whole...)
		broken[i] ^= 0x15
		s.write("server.key", broken)
		_, err := certs.NewServer(certs.ServerOptions{CertFiles: []string{cert}, KeyFiles: []string{key}})
		if err == nil {
			continue // for example the line's end is another one
		}
		failed++
		for _, line := range strings.Split(string(broken), "\n")[1:] {
			if len(line) > 8 && !strings.HasPrefix(line, "-") && strings.Contains(err.Error(), line[:8]) {
				t.Errorf("byte %d: the error quotes the key: %v", i, err)
			}
		}
	}
	if failed < len(whole)/2 {
		t.Errorf("only %d of %d broken keys are refused", failed, len(whole))
	}
}

func TestClientConfig(t *testing.T) {
	s := newSite(t)
	for _, test := range []struct{ option, address, want string }{
		{"", "redis.example:6380", "redis.example"},
		{"", "redis.example", "redis.example"},
		{"", "[::1]:6380", "::1"},
		{"", "fe80::1%eth0", "fe80::1"},
		{"redis", "10.0.0.1:6380", "redis"},
	} {
		client := s.client(func(o *certs.ClientOptions) { o.ServerName = test.option })
		if got := client.Config(test.address).ServerName; got != test.want {
			t.Errorf("%q, %s: name %q, want %q", test.option, test.address, got, test.want)
		}
	}
}

// TestClientKeepsSessionsApart connects to two servers of one name in turn: each resumes its own session.
func TestClientKeepsSessionsApart(t *testing.T) {
	s := newSite(t)
	a, b := s.server(nil), s.server(nil)
	client := s.client(func(o *certs.ClientOptions) { o.ServerName = "localhost" })
	for i := range 3 {
		for address, server := range map[string]*certs.Server{"10.0.0.1:6380": a, "10.0.0.2:6380": b} {
			if state := mustMeet(t, server.Config(), client.Config(address)); state.DidResume != (i > 0) {
				t.Errorf("round %d, %s: resumed is %v", i, address, state.DidResume)
			}
		}
	}
}

func TestClientReload(t *testing.T) {
	s := newSite(t)
	other := newCA(t, "other CA")
	server := s.server(nil)
	client := s.client(nil)
	mustMeet(t, server.Config(), client.Config("localhost"))
	s.write("ca.crt", other.PEM)
	if changed, err := client.Reload(); !changed || err != nil {
		t.Fatalf("Reload returned %v, %v", changed, err)
	}
	m := meet(t, server.Config(), client.Config("localhost"))
	if m.client == nil || m.state.DidResume {
		t.Errorf("with another CA: %v, resumed %v", m.client, m.state.DidResume)
	}
	s.write("ca.crt", s.ca.PEM[:20])
	if changed, err := client.Reload(); changed || err == nil {
		t.Errorf("Reload of half a file returned %v, %v", changed, err)
	}
	s.write("ca.crt", s.ca.PEM)
	if changed, err := client.Reload(); !changed || err != nil {
		t.Fatalf("Reload returned %v, %v", changed, err)
	}
	mustMeet(t, server.Config(), client.Config("localhost"))
}

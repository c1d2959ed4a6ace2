package certs_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"evergate/gateway/certs"
	"evergate/testenv/servers"
)

func TestServerPicksCertificateByName(t *testing.T) {
	s := newSite(t)
	server := s.server(func(o *certs.ServerOptions) {
		for _, name := range []string{"a.example", "b.example"} {
			cert, key := s.issue(name, servers.Issue{Name: name, Hosts: []string{name}})
			o.CertFiles, o.KeyFiles = append(o.CertFiles, cert), append(o.KeyFiles, key)
		}
	})
	shown := map[string]string{"a.example": "a.example", "b.example": "b.example", "localhost": "server"}
	for name, wanted := range shown {
		state := mustMeet(t, server.Config(), s.client(nil).Config(name+":6380"))
		if got := state.PeerCertificates[0].Subject.CommonName; got != wanted {
			t.Errorf("a client that asks for %s gets the certificate of %s", name, got)
		}
	}
	// Of an unknown name the first certificate is shown, and the client says what is wrong.
	m := meet(t, server.Config(), s.client(nil).Config("c.example"))
	const want = "its certificate is for localhost, 127.0.0.1, not for c.example"
	if got := certs.Explain(m.client); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestServerAsksClients(t *testing.T) {
	s := newSite(t)
	own, ownKey := s.issue("app", servers.Issue{Name: "app"})
	other, otherKey := s.issueBy(newCA(t, "other CA"), "stranger", servers.Issue{Name: "stranger"})
	const none, required, unknown = "", "it has no client certificate, which tls-auth-clients requires",
		`its certificate is signed by an unknown CA, "CN=other CA"`
	for _, test := range []struct {
		auth                         certs.ClientAuth
		ca                           bool
		without, signed, byStrangers string
	}{
		{certs.AuthNo, false, none, none, none},
		{certs.AuthByCA, false, none, none, none},
		{certs.AuthOptional, true, none, none, unknown},
		{certs.AuthYes, true, required, none, unknown},
		{certs.AuthByCA, true, required, none, unknown},
	} {
		server := s.server(func(o *certs.ServerOptions) {
			o.ClientAuth = test.auth
			if test.ca {
				o.CAFile = s.path("ca.crt")
			}
		})
		for _, client := range []struct{ cert, key, want string }{
			{"", "", test.without}, {own, ownKey, test.signed}, {other, otherKey, test.byStrangers},
		} {
			for _, version := range certs.Protocols {
				config := s.client(func(o *certs.ClientOptions) {
					o.CertFile, o.KeyFile, o.Protocols = client.cert, client.key, []string{version}
				}).Config("localhost")
				m := meet(t, server.Config(), config)
				got := none
				if m.server != nil {
					got = certs.ExplainClient(m.server)
				}
				if got != client.want || (m.client == nil) != (client.want == none) {
					t.Errorf("auth %q, %s, client certificate %q: server %q (want %q), client %v", test.auth, version,
						client.cert, got, client.want, m.client)
				}
			}
		}
	}
}

func TestReloadTakesWholeMaterialOnly(t *testing.T) {
	s := newSite(t)
	server := s.server(func(o *certs.ServerOptions) { o.CAFile, o.ClientAuth = s.path("ca.crt"), certs.AuthOptional })
	config, trusted := server.Config(), s.write("trusted.crt", s.ca.PEM)
	serial := func() string { // of a client without a session: one that resumes is shown no certificate
		t.Helper()
		client := s.client(func(o *certs.ClientOptions) { o.CAFile = trusted })
		return mustMeet(t, config, client.Config("localhost")).PeerCertificates[0].SerialNumber.String()
	}
	first, oldCert, oldKey := serial(), s.read("server.crt"), s.read("server.key")
	newCert, newKey, err := s.ca.Sign(servers.Issue{Name: "renewed", Hosts: []string{"localhost"}})
	if err != nil {
		t.Fatal(err)
	}
	ca := s.ca.PEM
	for _, step := range []struct {
		what          string
		cert, key, ca []byte
		fault, want   string // the file at fault and the text
	}{
		{"a new certificate without its key", newCert, oldKey, ca, "server.key", "is not the private key of"},
		{"half of a certificate", newCert[:len(newCert)/2], newKey, ca, "server.crt", "cut off or damaged"},
		{"a chain that is cut off", append(newCert[:len(newCert):len(newCert)], ca[:len(ca)/2]...), newKey, ca, "server.crt",
			"cut off or damaged"},
		{"half of a key", newCert, newKey[:len(newKey)/2], ca, "server.key", "cut off or damaged"},
		{"an empty certificate", nil, newKey, ca, "server.crt", "has no certificate"},
		{"an empty key", newCert, nil, ca, "server.key", "has no private key"},
		{"CAs that are cut off", newCert, newKey, ca[:len(ca)-3], "ca.crt", "cut off or damaged"},
		{"no CA", newCert, newKey, nil, "ca.crt", "has no certificate"},
	} {
		s.write("server.crt", step.cert)
		s.write("server.key", step.key)
		s.write("ca.crt", step.ca)
		changed, err := server.Reload()
		var fault *certs.Fault
		if changed || !errors.As(err, &fault) || fault.File != s.path(step.fault) ||
			!strings.Contains(err.Error(), step.want) {
			t.Errorf("%s: Reload returned %v, %v; want %q about %s", step.what, changed, err, step.want, step.fault)
		}
		if got := serial(); got != first {
			t.Errorf("%s: the certificate in use changed", step.what)
		}
	}
	if err := os.Remove(s.path("server.key")); err != nil {
		t.Fatal(err)
	}
	if changed, err := server.Reload(); changed || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a key file Reload returned %v, %v", changed, err)
	}
	s.write("server.key", newKey)
	s.write("ca.crt", ca)
	if changed, err := server.Reload(); !changed || err != nil {
		t.Fatalf("Reload of good files returned %v, %v", changed, err)
	}
	if changed, err := server.Reload(); changed || err != nil {
		t.Errorf("a second Reload returned %v, %v", changed, err)
	}
	if got := serial(); got == first {
		t.Error("the renewed certificate is not in use")
	}
	if server.Config() != config {
		t.Error("the configuration is another one after Reload")
	}
	s.write("server.crt", oldCert)
	s.write("server.key", oldKey)
	if changed, err := server.Reload(); !changed || err != nil || serial() != first {
		t.Errorf("a Reload of the first files returned %v, %v", changed, err)
	}
}

// TestReloadUnderUse renews a certificate while clients connect: none may notice.
func TestReloadUnderUse(t *testing.T) {
	s := newSite(t)
	server, client := s.server(nil), s.client(nil)
	done := make(chan struct{})
	var clients sync.WaitGroup
	seen := make([]map[string]bool, 4)
	for i := range seen {
		seen[i] = map[string]bool{}
		clients.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				m := meet(t, server.Config(), client.Config("localhost"))
				if m.client != nil || m.server != nil {
					t.Errorf("client: %v, server: %v", m.client, m.server)
					return
				}
				seen[i][m.state.PeerCertificates[0].Subject.CommonName] = true
			}
		})
	}
	for i := range 50 {
		s.issue("server", servers.Issue{Name: fmt.Sprint("server ", i), Hosts: []string{"localhost"}})
		if changed, err := server.Reload(); !changed || err != nil {
			t.Fatalf("Reload returned %v, %v", changed, err)
		}
		// One client without a session sees that the new certificate is in use at once.
		got := mustMeet(t, server.Config(), s.client(nil).Config("localhost")).PeerCertificates[0].Subject.CommonName
		if want := fmt.Sprint("server ", i); got != want {
			t.Fatalf("a new client sees %q, want %q", got, want)
		}
	}
	close(done)
	clients.Wait()
	for i := range seen {
		if len(seen[i]) == 0 {
			t.Errorf("client %d connected to none", i)
		}
	}
}

func TestClientsOfARemovedCACannotResume(t *testing.T) {
	for _, version := range certs.Protocols {
		s := newSite(t)
		other := newCA(t, "other CA")
		cert, key := s.issue("app", servers.Issue{Name: "app"})
		otherCert, otherKey := s.issueBy(other, "other", servers.Issue{Name: "other"})
		if err := servers.WriteCAs(s.path("clients.crt"), s.ca, other); err != nil {
			t.Fatal(err)
		}
		server := s.server(func(o *certs.ServerOptions) { o.CAFile = s.path("clients.crt") })
		client := s.client(func(o *certs.ClientOptions) { o.CertFile, o.KeyFile, o.Protocols = cert, key, []string{version} })
		stays := s.client(func(o *certs.ClientOptions) {
			o.CertFile, o.KeyFile, o.Protocols = otherCert, otherKey, []string{version}
		})
		for i, c := range []*certs.Client{client, client, stays, stays} {
			if state := mustMeet(t, server.Config(), c.Config("localhost")); state.DidResume != (i%2 == 1) {
				t.Errorf("%s, connection %d: resumed is %v", version, i, state.DidResume)
			}
		}
		if err := servers.WriteCAs(s.path("clients.crt"), other); err != nil {
			t.Fatal(err)
		}
		if changed, err := server.Reload(); !changed || err != nil {
			t.Fatalf("Reload returned %v, %v", changed, err)
		}
		m := meet(t, server.Config(), client.Config("localhost"))
		if m.client == nil || m.server == nil || m.state.DidResume {
			t.Errorf("%s: a client whose CA was removed: client %v, server %v, resumed %v", version, m.client, m.server,
				m.state.DidResume)
		} else if got := certs.Explain(m.client); got != "it rejects the client certificate: unknown CA" {
			t.Errorf("%s: %q", version, got)
		}
		if state := mustMeet(t, server.Config(), stays.Config("localhost")); !state.DidResume {
			t.Errorf("%s: a client whose CA stays cannot resume", version)
		}
	}
}

func TestSessionsOutliveARenewal(t *testing.T) {
	for _, version := range certs.Protocols {
		s := newSite(t)
		server := s.server(nil)
		client := s.client(func(o *certs.ClientOptions) { o.Protocols = []string{version} })
		mustMeet(t, server.Config(), client.Config("localhost"))
		s.issue("server", servers.Issue{Name: "renewed", Hosts: []string{"localhost"}})
		if changed, err := server.Reload(); !changed || err != nil {
			t.Fatalf("Reload returned %v, %v", changed, err)
		}
		if state := mustMeet(t, server.Config(), client.Config("localhost")); !state.DidResume {
			t.Errorf("%s: a session from before the renewal is not resumed", version)
		}
	}
}

func TestProtocolsAndCiphers(t *testing.T) {
	s := newSite(t)
	server := s.server(func(o *certs.ServerOptions) {
		o.Protocols, o.Ciphers = []string{"tlsv1.2"}, []string{"ECDHE-ECDSA-AES256-GCM-SHA384"}
	})
	state := mustMeet(t, server.Config(), s.client(nil).Config("localhost"))
	if state.Version != tls.VersionTLS12 || state.CipherSuite != tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 {
		t.Errorf("%s, %s", tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite))
	}
	state = mustMeet(t, s.server(nil).Config(), s.client(nil).Config("localhost"))
	if state.Version != tls.VersionTLS13 {
		t.Errorf("by default %s", tls.VersionName(state.Version))
	}
	for _, suite := range tls.CipherSuites() {
		if suite.SupportedVersions[0] == tls.VersionTLS13 {
			continue
		}
		o := certs.ClientOptions{Ciphers: []string{suite.Name}}
		if err := o.Check(); err != nil {
			t.Errorf("%s: %v", suite.Name, err)
		}
	}
}

func TestLeaves(t *testing.T) {
	s := newSite(t)
	cert, key := s.issue("app", servers.Issue{Name: "app"})
	client := s.client(func(o *certs.ClientOptions) { o.CertFile, o.KeyFile = cert, key })
	for _, test := range []struct {
		leaves []*x509.Certificate
		want   string
	}{{s.server(nil).Leaves(), "server"}, {client.Leaves(), "app"}} {
		if len(test.leaves) != 1 || test.leaves[0].Subject.CommonName != test.want {
			t.Errorf("%v, want %s", test.leaves, test.want)
		}
	}
	if got := s.client(nil).Leaves(); len(got) != 0 {
		t.Errorf("a client without a certificate has %v", got)
	}
}

func TestSelfChecksTheListener(t *testing.T) {
	s := newSite(t)
	server := s.server(func(o *certs.ServerOptions) { o.CAFile = s.path("ca.crt") })
	mustMeet(t, server.Config(), server.Self())
	m := meet(t, s.server(nil).Config(), server.Self())
	if m.client == nil || !strings.Contains(m.client.Error(), "is not in tls-cert-file") {
		t.Errorf("another server: %v", m.client)
	}
}

package config

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"evergate/gateway/certs"
	"evergate/testenv/servers"
)

func TestValidateFindsFaultsOfTLS(t *testing.T) {
	pair := func(s *Service) { s.TLS.CertFiles, s.TLS.KeyFiles = []string{"c"}, []string{"k"} }
	for _, test := range []struct {
		change func(*Service)
		want   string
	}{
		{func(s *Service) { s.TLSListen = []string{"localhost:6380"} }, "tls-cert-file: is missing"},
		{func(s *Service) { pair(s) }, "tls-cert-file: needs tls-listen: no listener speaks TLS"},
		{func(s *Service) { s.TLS.Ciphers = []string{"x"} }, "tls-ciphers: needs tls-listen"},
		{func(s *Service) { pair(s); s.TLSListen = []string{"unix:/tmp/x"} },
			`tls-listen: "unix:/tmp/x" is a unix socket, which needs no TLS; use listen`},
		{func(s *Service) { pair(s); s.TLSListen = []string{"localhost"} }, `tls-listen: "localhost" has no port`},
		{func(s *Service) { pair(s); s.TLSListen = slices.Clone(s.Listen) },
			`tls-listen: "127.0.0.1:6379" is listed twice`},
		{func(s *Service) { pair(s); s.TLSListen = []string{":6379"}; s.NoAuth = true },
			`tls-listen: ":6379" overlaps with "127.0.0.1:6379"`},
		{func(s *Service) { pair(s); s.TLSListen = []string{":6380"} },
			`tls-listen: ":6380" is reachable from other machines`},
		{func(s *Service) {
			pair(s)
			s.TLSListen, s.TLS.CAFile, s.TLS.ClientAuth = []string{":6380"}, "ca", certs.AuthOptional
		}, `tls-listen: ":6380" is reachable from other machines`},
		{func(s *Service) { s.UpstreamTLS.CAFile = "ca" }, "upstream-tls-ca-file: needs upstream-tls: TLS is off there"},
		{func(s *Service) { s.UpstreamTLS = certs.ClientOptions{Enabled: true, CertFile: "c"} },
			"upstream-tls-key-file: is missing"},
		{func(s *Service) { s.UpstreamTLS = certs.ClientOptions{Enabled: true, ServerName: "a/b"} },
			`upstream-tls-server-name: "a/b" has a character`},
		{func(s *Service) { s.SentinelTLS.ServerName = "s" }, "sentinel-tls-server-name: needs sentinel-tls"},
		{func(s *Service) { s.SentinelTLS.Enabled = true }, "sentinel-tls: needs sentinel: no Sentinel is set"},
		{func(s *Service) { pair(s); s.Listen, s.TLSListen = nil, []string{"localhost:6380"} }, ""},
		{func(s *Service) { pair(s); s.TLSListen, s.TLS.CAFile = []string{":6380"}, "ca" }, ""}, // clients have certificates
		{func(s *Service) {
			pair(s)
			s.TLSListen = []string{"localhost:6380"}
			s.ListenFacade = map[string]Facade{"localhost:6380": FacadeCluster}
			s.ListenHold = map[string]Hold{"localhost:6380": {Mode: HoldOff}}
			s.ListenAnnounce = map[string]string{"localhost:6380": "gate:1"}
		}, ""},
	} {
		c := sound()
		test.change(&c.Services[0])
		err := c.Validate()
		if test.want == "" && err != nil || test.want != "" && (err == nil || err.Error() != test.want &&
			!strings.HasPrefix(err.Error(), test.want)) {
			t.Errorf("%v, want %q", err, test.want)
		}
	}
	c := sound()
	c.Limits.HandshakeMax = 0
	if err := c.Validate(); err == nil || !strings.HasPrefix(err.Error(), "tls-handshake-timeout: 0s is not between") {
		t.Errorf("%v", err)
	}
}

// withFiles is a service with TLS on all legs, and one CA for all of them in a directory.
func withFiles(t *testing.T, dir string) Service {
	t.Helper()
	ca, err := servers.NewAuthority("test CA")
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := ca.WritePair(dir, "server", servers.Issue{Name: "server", Hosts: []string{"localhost"}})
	file := filepath.Join(dir, "ca.crt")
	if err := errors.Join(err, servers.WriteCAs(file, ca)); err != nil {
		t.Fatal(err)
	}
	s := DefaultService()
	s.TLSListen = []string{"127.0.0.1:6380"}
	s.TLS = certs.ServerOptions{CertFiles: []string{cert}, KeyFiles: []string{key}}
	s.UpstreamTLS = certs.ClientOptions{Enabled: true, CAFile: file}
	s.SentinelTLS = s.UpstreamTLS
	return s
}

func TestTLSFilesAreChecked(t *testing.T) {
	s := withFiles(t, t.TempDir())
	if faults, warnings := s.TLSFiles(time.Now()); len(faults)+len(warnings) != 0 {
		t.Errorf("%v, %v", faults, warnings)
	}
	_, warnings := s.TLSFiles(time.Now().Add(48 * time.Hour))
	if len(warnings) != 1 || warnings[0].Setting != "tls-cert-file" || warnings[0].Item != s.TLS.CertFiles[0] ||
		!strings.Contains(warnings[0].Text, "expired on") {
		t.Errorf("two days later: %v", warnings)
	}
	if err := os.Remove(s.UpstreamTLS.CAFile); err != nil {
		t.Fatal(err)
	}
	faults, _ := s.TLSFiles(time.Now())
	settings := []string{}
	for _, f := range faults {
		settings = append(settings, f.Setting)
		if !errors.Is(f.Cause, os.ErrNotExist) {
			t.Errorf("%+v", f)
		}
	}
	if !slices.Equal(settings, []string{"upstream-tls-ca-file", "sentinel-tls-ca-file"}) {
		t.Errorf("without the CAs: %v", settings)
	}
}

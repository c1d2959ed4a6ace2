package gateway

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"evergate/gateway/certs"
	"evergate/gateway/config"
	"evergate/testenv/servers"
)

// withTLS is a service with TLS on all legs, with files of a new CA in a directory.
func withTLS(t *testing.T, dir string) config.Service {
	t.Helper()
	ca, err := servers.NewAuthority("test CA")
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := ca.WritePair(dir, "server", servers.Issue{Name: "server", Hosts: []string{"localhost"}})
	caFile := filepath.Join(dir, "ca.crt")
	if err := errors.Join(err, servers.WriteCAs(caFile, ca)); err != nil {
		t.Fatal(err)
	}
	s := config.DefaultService()
	s.Sentinels, s.MasterName = []string{"127.0.0.1:26379"}, "main"
	s.TLSListen = []string{"127.0.0.1:6380"}
	s.TLS = certs.ServerOptions{CertFiles: []string{cert}, KeyFiles: []string{key}}
	s.UpstreamTLS = certs.ClientOptions{Enabled: true, CAFile: caFile}
	s.SentinelTLS = s.UpstreamTLS
	return s
}

func TestMaterialIsShared(t *testing.T) {
	a := withTLS(t, t.TempDir())
	b, c := a, config.DefaultService()
	b.Name, c.Name, c.Primary = "b", "c", "127.0.0.1:6379"
	m, err := newMaterial([]config.Service{a, b, c}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if m.of[0].server != m.of[1].server || m.of[0].upstream != m.of[1].sentinels {
		t.Error("equal options do not share material")
	}
	if m.of[2].server != nil || m.of[2].upstream != nil || m.of[2].sentinels != nil {
		t.Error("a service without TLS has material")
	}
	kept, err := newMaterial([]config.Service{a, c}, m)
	if err != nil || kept.of[0].server != m.of[0].server || kept.of[0].upstream != m.of[0].upstream {
		t.Errorf("equal options get new material: %v", err)
	}
	other := withTLS(t, t.TempDir())
	if changed, err := newMaterial([]config.Service{other}, m); err != nil || changed.of[0].server == m.of[0].server {
		t.Errorf("other options get the old material: %v", err)
	}
	b.TLS.KeyFiles = []string{filepath.Join(t.TempDir(), "none")}
	if _, err := newMaterial([]config.Service{a, b}, nil); !errors.Is(err, os.ErrNotExist) ||
		!strings.HasPrefix(err.Error(), "service b: tls-listen: ") {
		t.Errorf("without a key: %v", err)
	}
}

// TestSurveyNeedsNoListener: the servers may be surveyed from a machine without the certificates for clients, and their
// own CA is needed.
func TestSurveyNeedsNoListener(t *testing.T) {
	s := withTLS(t, t.TempDir())
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := os.Remove(s.TLS.KeyFiles[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := Survey(ended, config.Gateway{Services: []config.Service{s}}, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("without the listener's key: %v", err)
	}
	if err := os.Remove(s.SentinelTLS.CAFile); err != nil {
		t.Fatal(err)
	}
	if _, err := Survey(ended, config.Gateway{Services: []config.Service{s}}, 0); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without the CA of the Sentinels: %v", err)
	}
}

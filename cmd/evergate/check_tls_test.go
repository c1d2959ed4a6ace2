package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"evergate/testenv/servers"
)

// TestCheckReadsTLSFiles changes the files of a service with TLS: check reports each trouble.
func TestCheckReadsTLSFiles(t *testing.T) {
	dir := t.TempDir()
	ca, err := servers.NewAuthority("test CA")
	if err != nil {
		t.Fatal(err)
	}
	path := func(name string) string { return filepath.Join(dir, name) }
	pair := func(name string, i servers.Issue) {
		t.Helper()
		if _, _, err := ca.WritePair(dir, name, i); err != nil {
			t.Fatal(err)
		}
	}
	pair("server", servers.Issue{Name: "server"})
	pair("old", servers.Issue{Name: "old", From: time.Date(2020, 1, 2, 3, 4, 0, 0, time.UTC)})
	pair("loose", servers.Issue{Name: "loose"})
	if err := os.Chmod(path("loose.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := servers.WriteCAs(path("ca.crt"), ca); err != nil {
		t.Fatal(err)
	}
	listen := "--tls-listen 127.0.0.1:6380 --tls-cert-file %/server.crt --tls-key-file %/"
	for _, test := range []struct {
		args, want string
		code       int
	}{
		{listen + "server.key --tls-ca-file %/ca.crt --upstream-tls --upstream-tls-ca-file %/ca.crt", "", exitOK},
		{listen + "old.key", "flag --tls-key-file: %/old.key: is not the private key of %/server.crt", exitWrong},
		{listen + "none.key", "warning: flag --tls-key-file: %/none.key: no such file or directory", exitOK},
		{listen + "server.key --tls-ca-file %/server.key", "flag --tls-ca-file: %/server.key: has no certificate", exitWrong},
		{"--upstream-tls --upstream-tls-cert-file %/old.crt --upstream-tls-key-file %/old.key",
			"warning: flag --upstream-tls-cert-file: %/old.crt: expired on 2020-01-03 03:04 UTC", exitOK},
		{"--upstream-tls --upstream-tls-cert-file %/loose.crt --upstream-tls-key-file %/loose.key",
			"warning: flag --upstream-tls-key-file: %/loose.key can be read by every user of this machine", exitOK},
	} {
		args := strings.Fields(strings.ReplaceAll("check --primary a:1 "+test.args, "%", dir))
		code, _, errOut := try(args, nil)
		want := strings.ReplaceAll(test.want, "%", dir)
		if code != test.code || want == "" && errOut != "" || !strings.HasPrefix(errOut, want) {
			t.Errorf("%s: exit %d (want %d), %q, want %q", test.args, code, test.code, errOut, want)
		}
	}
}

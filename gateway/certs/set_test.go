package certs_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"evergate/gateway/certs"
	"evergate/testenv/servers"
)

func TestSetLogsChangesOnce(t *testing.T) {
	site := newSite(t)
	certFile, keyFile := site.issue("server", servers.Issue{Name: "server"})
	set := &certs.Set{}
	_, err := set.Server("tls-listen", "default", certs.ServerOptions{CertFiles: []string{certFile},
		KeyFiles: []string{keyFile}})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	logger := hclog.New(&hclog.LoggerOptions{Output: &out})
	other, err := servers.NewAuthority("other CA")
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := other.Sign(servers.Issue{Name: "renewed", Hosts: []string{"localhost"}})
	if err != nil {
		t.Fatal(err)
	}
	write := func(path string, text []byte) func() {
		return func() {
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	nothing := func() {}
	for i, step := range []struct {
		change func()
		want   string // the message, empty for none
	}{
		{nothing, ""},
		{write(certFile, cert), ""}, // the key may follow
		{nothing, "certificate files reload failed, old ones kept"},
		{nothing, ""},
		{write(keyFile, key), "certificate files reloaded"},
		{nothing, ""},
		{write(keyFile, nil), ""},
		{write(keyFile, key), ""}, // as it was
	} {
		step.change()
		out.Reset()
		set.Reload(logger, time.Now())
		if got := out.String(); (step.want == "") != (got == "") || !strings.Contains(got, step.want) {
			t.Errorf("step %d logs %q, want %q", i, got, step.want)
		}
	}
	out.Reset()
	now := time.Now()
	for _, at := range []time.Time{now, now.Add(22 * time.Hour), now.Add(22 * time.Hour), now.Add(48 * time.Hour)} {
		set.Reload(logger, at)
	}
	got := out.String()
	if strings.Count(got, "certificate renewal due") != 2 || !strings.Contains(got, "expires on") ||
		!strings.Contains(got, "expired on") {
		t.Errorf("an ageing certificate logs %q", got)
	}
}

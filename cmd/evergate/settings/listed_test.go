package settings

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"evergate/gateway/api"
)

// TestListedNamesSourcesAndNoSecrets: each setting is there once for each service, with its source; passwords are not.
func TestListedNamesSourcesAndNoSecrets(t *testing.T) {
	dir := t.TempDir()
	file, secret := filepath.Join(dir, "evergate.yaml"), filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("hunter2hunter2"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := "max-clients: 50\nservices:\n- name: cache\n  primary: a:1\n  listen: 127.0.0.1:6390\n  password-file: " +
		secret + "\n- name: queue\n  primary: b:1\n  listen: 127.0.0.1:6391\n  users:\n" +
		"  - user app on >hunter3hunter3 ~* +@all\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	flags := pflag.NewFlagSet("run", pflag.ContinueOnError)
	AddFlags(flags)
	if err := flags.Parse([]string{"--config", file, "--admin", "127.0.0.1:0"}); err != nil {
		t.Fatal(err)
	}
	r, err := Resolve(flags, nil, []string{"EVERGATE_ADMIN_PASSWORD=hunter4hunter4", "EVERGATE_LOG_LEVEL=warn"})
	if err != nil {
		t.Fatal(err)
	}
	listed := r.Config.Listed
	if listed.File != file {
		t.Errorf("the file is %s", listed.File)
	}
	got := map[string]api.Setting{}
	for _, s := range listed.Settings {
		key := s.Service + "/" + s.Name
		if _, twice := got[key]; twice {
			t.Errorf("%s is listed twice", key)
		}
		got[key] = s
	}
	for key, want := range map[string]api.Setting{
		"/max-clients":        {Value: "50", Source: file + ":1"},
		"/log-level":          {Value: "warn", Source: "env EVERGATE_LOG_LEVEL"},
		"/log-format":         {Value: "text", Source: "default", Default: true},
		"/admin":              {Value: "127.0.0.1:0", Source: "flag --admin"},
		"/admin-password":     {Value: api.Secret, Source: "env EVERGATE_ADMIN_PASSWORD"},
		"cache/primary":       {Value: "a:1", Source: file + ":4"},
		"cache/password-file": {Value: secret, Source: file + ":6"},
		"queue/reads":         {Value: "auto", Source: "default", Default: true},
		"queue/users":         {Value: "1 lines", Source: file + ":10"},
	} {
		want.Service, want.Name, _ = strings.Cut(key, "/")
		if got[key] != want {
			t.Errorf("%s: %+v, want %+v", key, got[key], want)
		}
	}
	if text, _ := json.Marshal(listed); strings.Contains(string(text), "hunter") {
		t.Errorf("a secret is listed: %s", text)
	}
}

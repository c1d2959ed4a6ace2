package settings

import (
	"testing"
	"time"

	"evergate/gateway/config"

	"evergate/cmd/evergate/suggest"
)

func TestNearest(t *testing.T) {
	names := fileNames(top)
	for given, want := range map[string]string{
		"sentinal": "sentinel", "sentinels": "sentinel", "master_name": "master-name", "masterName": "master-name",
		"raeds": "reads", "replicas": "replica", "port": "listen", "slave": "replica", "requirepas": "password-file",
		"worker": "workers", "loglevel": "log-level", "drain": "drain-timeout", "frobnicate": "", "x": "", "": "",
		"service": "services",
	} {
		if got := suggest.Nearest(given, names); got != want {
			t.Errorf("%q: got %q, want %q", given, got, want)
		}
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "12": 12, "1k": 1000, "1kb": 1024, "2MB": 2 << 20, "3m": 3e6, "1gb": 1 << 30, "1G": 1e9, "7b": 7,
	} {
		if got, err := parseSize(text); err != nil || got != want {
			t.Errorf("%s: %d, %v", text, got, err)
		}
		if parsed, err := parseSize(showSize(want)); err != nil || parsed != want {
			t.Errorf("%s is shown as %s", text, showSize(want))
		}
	}
	for _, text := range []string{"", "-1", "1.5mb", "mb", "1tb", "9999999999gb", " 1", "1 mb", "0x10"} {
		if got, err := parseSize(text); err == nil {
			t.Errorf("%q is taken for %d", text, got)
		}
	}
}

// TestEverySettingReloadsOrNot: a new setting must decide whether it can change while the gateway runs.
func TestEverySettingReloadsOrNot(t *testing.T) {
	for _, s := range All {
		if _, known := config.Reloads(s.Name); !known {
			t.Errorf("%s has no row in gateway/config/reloads.go", s.Name)
		}
	}
}

func TestDurationsAreShownAsTheyAreRead(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Minute: "1m", time.Hour: "1h", 90 * time.Second: "1m30s", time.Second: "1s", 0: "0s",
		10 * time.Minute: "10m", 1500 * time.Millisecond: "1.5s", time.Hour + time.Second: "1h0m1s",
	} {
		if got := ShowDuration(d); got != want {
			t.Errorf("%v: got %s, want %s", d, got, want)
		}
		if parsed, err := parseDuration(ShowDuration(d)); err != nil || parsed != d {
			t.Errorf("%v is read as %v", d, parsed)
		}
	}
}

// FuzzYAML checks that no file of settings makes resolve panic, and that every mistake has its place in the file.
func FuzzYAML(f *testing.F) {
	for _, seed := range []string{
		"", "a: b", "services: [{name: x}]", "- a", "a: &a [*a]", "? {a: b}\n: c", "x: !!binary y",
		"services:\n- *x", "listen: [a, {b: c}]", "address-map: {a: {b: c}}", "&a services: *a", "services: &s [*s]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := &Sources{file: "f"}
		s.readYAML([]byte(text))
		for _, m := range s.Mistakes {
			if m.At.file != "f" {
				t.Errorf("no place: %+v", m)
			}
		}
	})
}

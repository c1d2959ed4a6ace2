package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"evergate/testenv/servers"
)

// TestBuiltDrill runs one drill as a user does. It checks that exit code and text agree, not the times.
func TestBuiltDrill(t *testing.T) {
	servers.SkipShort(t)
	t.Parallel()
	dir := t.TempDir()
	process, log := built(t, nil, "drill", "planned", "--mode", "sentinel", "--quick", "--rate", "200", "--report", dir)
	code := ended(t, process, log)
	want := exitOK
	if strings.Contains(log(), "BROKEN") || strings.Contains(log(), "VACUOUS") {
		want = exitBroken
	}
	if code != want || !strings.Contains(log(), "planned, sentinel, through evergate") {
		t.Fatalf("exit %d, want %d\n%s", code, want, log())
	}
	texts := map[string]string{}
	for _, ext := range []string{".json", ".html"} {
		found, err := filepath.Glob(filepath.Join(dir, "*"+ext))
		if err != nil || len(found) != 1 {
			t.Fatal(found, err)
		}
		text, err := os.ReadFile(found[0])
		if err != nil {
			t.Fatal(err)
		}
		texts[ext] = string(text)
	}
	var report struct {
		FormatVersion int `json:"format_version"`
		Drill         string
		Versions      []struct{ Name string }
	}
	if err := json.Unmarshal([]byte(texts[".json"]), &report); err != nil || report.FormatVersion != 2 ||
		report.Drill != "planned" || len(report.Versions) != 2 || report.Versions[0].Name != "evergate" {
		t.Errorf("%+v %v", report, err)
	}
	for _, part := range []string{"<svg", "SENTINEL FAILOVER", "+switch-master", "primary promoted"} {
		if !strings.Contains(texts[".html"], part) {
			t.Errorf("the page has no %q", part)
		}
	}
}

package admin

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"evergate/gateway/resp"
	"evergate/routing"
)

// TestPauseHasAnEnd: CLIENT PAUSE accepts a pause whose end fits into 64 bits of milliseconds.
func TestPauseHasAnEnd(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_000)
	for ms, want := range map[string]string{
		"9223372036854775807": string(resp.LateTimeout),
		"9223370336854775808": string(resp.LateTimeout),
		"9223370336854775807": "",
		"5000":                "",
		"9223372036854775808": string(resp.BadTimeout),
		"+5":                  string(resp.BadTimeout),
		"-1":                  string(resp.NegativeTimeout),
	} {
		r, wrong := pause([][]byte{[]byte("CLIENT"), []byte("PAUSE"), []byte(ms)}, now)
		if string(wrong) != want || want == "" && r.Pause < time.Second {
			t.Errorf("%s: %q, %v", ms, wrong, r.Pause)
		}
	}
}

// TestAsked: a server is asked about commands that it knows.
func TestAsked(t *testing.T) {
	for command, want := range map[string]string{
		"CLIENT NO-EVICT ON": "CLIENT NO-EVICT ON",
		"PROXY INFO gateway": "INFO",
		"PROXY TOPOLOGY":     "INFO",
		"PROXY FAILOVERS":    "INFO",
		"PROXY CLIENTS":      "CLIENT LIST",
	} {
		args := bytes.Fields([]byte(command))
		if got := strings.Join(Asked(routing.Lookup(args), args), " "); got != want {
			t.Errorf("%s: asked about %s", command, got)
		}
	}
}

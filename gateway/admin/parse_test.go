package admin

import (
	"testing"
	"time"

	"evergate/gateway/resp"
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

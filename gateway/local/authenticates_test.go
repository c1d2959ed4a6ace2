package local

import (
	"bytes"
	"testing"

	"evergate/routing"
)

// TestAuthenticates: each user whose password is tried counts, and what only looks like one does not.
func TestAuthenticates(t *testing.T) {
	for line, want := range map[string]string{
		"AUTH p": "default", "AUTH u p": "u", "AUTH a b c": "", "HELLO": "", "HELLO 3": "", "HELLO 3 AUTH u": "",
		"HELLO 3 AUTH u p": "u", "HELLO 3 SETNAME auth AUTH u p": "u", "HELLO 3 AUTH u p AUTH v p": "u v",
		"HELLO 3 auth u p setname AUTH": "u", "HELLO 3 SETNAME x y AUTH u p": "", "PING AUTH u p": "",
	} {
		args := words(line)
		if got := string(bytes.Join(Authenticates(routing.Lookup(args), args), []byte(" "))); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

package local

import (
	"strings"
	"testing"

	"evergate/gateway/session"
	"evergate/routing"
)

// TestPresented: each user whose password is tried counts, and what only looks like one does not.
func TestPresented(t *testing.T) {
	for line, want := range map[string]string{
		"AUTH p": "default", "AUTH u p": "u", "AUTH a b c": "", "HELLO": "", "HELLO 3": "", "HELLO 3 AUTH u": "",
		"HELLO 3 AUTH u p": "u", "HELLO 3 SETNAME auth AUTH u p": "u", "HELLO 3 AUTH u p AUTH v p": "u v",
		"HELLO 3 auth u p setname AUTH": "u", "HELLO 3 SETNAME x y AUTH u p": "", "PING AUTH u p": "",
	} {
		args := words(line)
		if got := names(Presented(routing.Lookup(args), args)); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

func names(all []session.Credentials) string {
	var users []string
	for _, as := range all {
		users = append(users, as.User())
	}
	return strings.Join(users, " ")
}

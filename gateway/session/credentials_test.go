package session

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestCredentialsPrintNoPassword(t *testing.T) {
	c := UserPassword("alice", "secret")
	text, err := json.Marshal(struct{ As *Credentials }{&c})
	if err != nil {
		t.Fatal(err)
	}
	all := string(text)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		all += fmt.Sprintf(verb+verb+verb, c, &c, struct{ As Credentials }{c})
	}
	if strings.Contains(all, "secret") || strings.Contains(all, fmt.Sprintf("%x", "secret")) {
		t.Errorf("the password is printed: %s", all)
	}
}

func TestCredentialsAuthenticate(t *testing.T) {
	for _, c := range []struct {
		of   Credentials
		user string
		auth []string
	}{
		{Credentials{}, "default", nil},
		{Password("p"), "default", []string{"AUTH", "p"}},
		{UserPassword("u", "p"), "u", []string{"AUTH", "u", "p"}},
	} {
		if c.of.User() != c.user || !slices.Equal(c.of.Auth(), c.auth) || c.of.None() != (c.auth == nil) {
			t.Errorf("%s: %q", c.of.User(), c.of.Auth())
		}
	}
}

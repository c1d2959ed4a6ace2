package access

import (
	"slices"
	"strings"
	"testing"
)

func TestWarnings(t *testing.T) {
	all := users(t, "user default on >a ~* &* +@all", "user off off +@all", "user none on +@all -@scripting ~a",
		"user one on +fcall_ro ~a", "user two on +get ~* (+@all ~b)", "user keys on ~* &* +@all -flushall")
	got := strings.Join(all.Warnings(), "\n")
	for _, name := range all.Names() {
		want := slices.Contains([]string{"one", "two", "keys"}, name)
		if strings.Contains(got, "user "+name+" may run scripts") != want {
			t.Errorf("%s: not %v in\n%s", name, want, got)
		}
	}
}

func TestNamesAreThoseOfLines(t *testing.T) {
	if got := users(t, "user b on", "# c", "user a on").Names(); !slices.Equal(got, []string{"a", "b"}) {
		t.Error(got)
	}
	if got := users(t, "user default on", "user a on").Names(); !slices.Equal(got, []string{"a", "default"}) {
		t.Error(got)
	}
	if got := users(t, "# none").Names(); got != nil {
		t.Error(got)
	}
}

package access

import (
	"strings"
	"testing"

	"evergate/routing"
)

func TestDeniable(t *testing.T) {
	for word, want := range map[string]string{
		"FLUSHALL": "flushall", "config set": "config|set", "CONFIG|SET": "config|set", "@write": "@write",
		"config": "config", "json.del": "json.del", "select|1": "",
		"flushal": "", "": "", "@no": "", "auth": "", "HELLO": "", "config|no": "", "allkeys": "", "~x": "",
	} {
		names, err := Deniable(word)
		if got := strings.Join(names, " "); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", word, got, err)
		}
	}
	if names, _ := Deniable("dangerous"); len(names) != len(dangerous) {
		t.Error(names)
	}
	for name, want := range map[string]bool{"flushall": true, "config|get": true, "get": false, "info": false} {
		if Dangerous(routing.Named(name)) != want {
			t.Errorf("%s: dangerous is not %v", name, want)
		}
	}
}

func TestOnly(t *testing.T) {
	base := users(t, "user all on nopass ~* &* +@all", "user some on >x ~a +get +select|1 +set (+@all ~b)")
	less := base.Only([]string{"@read", "client|setname", "select", "json.get"})
	for _, c := range []struct {
		user, line string
		allowed    bool
	}{
		{"all", "GET a", true}, {"all", "SET a 1", false}, {"all", "CLIENT SETNAME x", true}, {"all", "CLIENT ID", false},
		{"all", "AUTH x", true}, {"all", "HELLO", true}, {"all", "RESET", true}, {"all", "PING", false},
		{"some", "GET a", true}, {"some", "SET a 1", false}, {"some", "SELECT 1", true},
		{"some", "MGET b", true}, {"some", "MGET a", false}, {"some", "SET b 1", false},
	} {
		if got := check(less.Lookup(c.user), c.line) == ""; got != c.allowed {
			t.Errorf("%s: %s: %v", c.user, c.line, got)
		}
	}
	for name, want := range map[string]Reason{"json.get": Allowed, "json.set": Command} {
		row := routing.Learn(routing.Definition{Name: name, Arity: 2, First: 1, Last: 1, Step: 1})
		if _, denied := less.Lookup("all").Check(row, bytesOf([]string{name, "a"}), nil); denied.Reason != want {
			t.Errorf("%s: %v", name, denied.Reason)
		}
	}
	if base.Only(nil) != base || less.Lookup("all").Unlimited() || less.As("nobody").Unlimited() {
		t.Error("users are bounded by nothing, or not by what is there")
	}
	if names, err := Nameable("auth"); err != nil || len(names) != 1 {
		t.Errorf("%q, %v", names, err)
	}
}

func TestWithout(t *testing.T) {
	names, _ := Deniable("dangerous")
	names = append(names, "@hash", "select", "json.del")
	base := users(t, "user all on nopass ~* &* +@all", "user some on >x ~a +get +select|1 +hget (+@all ~b)")
	less := base.Without(names)
	for _, c := range []struct {
		user, line string
		before     bool
		after      bool
	}{
		{"all", "GET a", true, true}, {"all", "FLUSHALL", true, false}, {"all", "CONFIG GET x", true, false},
		{"all", "HGET a b", true, false}, {"all", "INFO", true, true}, {"all", "AUTH x", true, true},
		{"some", "SELECT 1", true, false}, {"some", "HGET a b", true, false}, {"some", "SET b 1", true, true},
		{"some", "KEYS *", true, false}, {"some", "GET x", false, false},
	} {
		if got := check(base.Lookup(c.user), c.line) == ""; got != c.before {
			t.Errorf("before: %s: %s: %v", c.user, c.line, got)
		}
		if got := check(less.Lookup(c.user), c.line) == ""; got != c.after {
			t.Errorf("%s: %s: %v", c.user, c.line, got)
		}
	}
	if less.Lookup("all").Unlimited() || !base.Lookup("all").Unlimited() || !less.Defined() || len(less.Names()) != 2 ||
		less.Authenticate([]byte("some"), []byte("x")) != less.Lookup("some") {
		t.Error("the users are others")
	}
	row := routing.Learn(routing.Definition{Name: "json.del", Arity: 2, First: 1, Last: 1, Step: 1})
	if _, denied := less.Lookup("all").Check(row, bytesOf([]string{"json.del", "a"}), nil); denied.Reason != Command {
		t.Error("a command of a module is not denied")
	}
	if varied := base.Vary(map[int]*Users{7: less}); varied.At(7) != less || varied.At(1) != varied ||
		varied.Lookup("all") != base.Lookup("all") || base.At(7) != base || base.Vary(nil) != base {
		t.Error("a listener has the users of another")
	}
	if base.Without(nil) != base || WithoutPassword().Without([]string{"keys"}).Defined() {
		t.Error("users are defined by what is denied")
	}
}

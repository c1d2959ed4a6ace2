package gates

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"evergate/gateway/config"
	"evergate/routing"
)

func TestGateTakesAFileThatChanged(t *testing.T) {
	file := filepath.Join(t.TempDir(), "users")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("# comment\r\nuser app on >x ~* +@all\r\n")
	g, err := New(Source{Access: config.Access{UsersFile: file}})
	if err != nil {
		t.Fatal(err)
	}
	first := g.users.Load()
	if first.Authenticate([]byte("app"), []byte("x")) == nil || first.Initial() != nil {
		t.Error("the user of the file is not known")
	}
	if changed, err := g.take(); changed || err != nil || g.users.Load() != first {
		t.Errorf("the same file is taken again: %v", err)
	}
	for text, want := range map[string]string{
		"user app on >secret +nosuch\n": file + ":1: Error in applying operation '+nosuch'", "": "it defines no user",
		"user app on >secret\nbad\n": file + ":2: should start with user",
	} {
		write(text)
		err := g.read()
		if err == nil {
			_, err = g.take()
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") ||
			g.users.Load() != first {
			t.Errorf("%q: %v", text, err)
		}
	}
	write("user app on >y ~* +@all\n")
	if err := g.read(); err != nil {
		t.Fatal(err)
	}
	if changed, err := g.take(); !changed || err != nil || g.users.Load().Authenticate([]byte("app"), []byte("y")) == nil {
		t.Errorf("the new file is not taken: %v", err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if g.read() == nil {
		t.Error("a file that is missing is read")
	}
}

func TestGateWithoutUsers(t *testing.T) {
	open, err := New(Source{})
	if err != nil || open.users.Load().Initial() == nil || open.users.Load().Defined() {
		t.Errorf("clients need a password: %v", err)
	}
	denying, err := New(Source{Access: config.Access{Deny: []string{"dangerous"}}})
	if err != nil || denying.users.Load().Initial() == nil || denying.users.Load().Initial().Unlimited() {
		t.Errorf("nothing is denied: %v", err)
	}
	closed, err := New(Source{Secret: config.Secret{Value: "secret"}})
	if err != nil || closed.users.Load().Initial() != nil ||
		closed.users.Load().Authenticate([]byte("default"), []byte("secret")) == nil {
		t.Errorf("the password is not asked for: %v", err)
	}
}

// TestGateDeniesByListener: what is denied, and what alone is allowed, for all clients and for those of one listener.
func TestGateDeniesByListener(t *testing.T) {
	a := config.Access{Users: []string{"user app on >x ~* &* +@all"},
		Deny:      []string{"FLUSHALL", "1:1=GET"},
		AllowOnly: []string{"@write", "get", "2:2=@read"}}
	g, err := New(Source{Access: a, Rules: map[int]Rules{1: RulesAt(&a, "1:1"), 2: RulesAt(&a, "2:2")}})
	if err != nil {
		t.Fatal(err)
	}
	for line, allowed := range map[string][3]bool{
		"GET k": {true, false, true}, "SET k v": {true, true, false}, "FLUSHALL": {false, false, false},
		"STRLEN k": {false, false, true}, "AUTH x": {true, true, true}, "PING": {false, false, false},
	} {
		args := [][]byte{}
		for _, word := range strings.Fields(line) {
			args = append(args, []byte(word))
		}
		for listener, want := range allowed {
			permit, _ := g.users.Load().At(listener).Lookup("app").Check(routing.Lookup(args), args, nil)
			if got := permit.Covers(routing.Lookup(args)); got != want {
				t.Errorf("%s at listener %d: %t", line, listener, got)
			}
		}
	}
}

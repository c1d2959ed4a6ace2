package gateway

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
	g, err := newGate(gateSource{access: config.Access{UsersFile: file}})
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
	open, err := newGate(gateSource{})
	if err != nil || open.users.Load().Initial() == nil || open.users.Load().Defined() {
		t.Errorf("clients need a password: %v", err)
	}
	denying, err := newGate(gateSource{access: config.Access{Deny: []string{"dangerous"}}})
	if err != nil || denying.users.Load().Initial() == nil || denying.users.Load().Initial().Unlimited() {
		t.Errorf("nothing is denied: %v", err)
	}
	closed, err := newGate(gateSource{secret: config.Secret{Value: "secret"}})
	if err != nil || closed.users.Load().Initial() != nil ||
		closed.users.Load().Authenticate([]byte("default"), []byte("secret")) == nil {
		t.Errorf("the password is not asked for: %v", err)
	}
}

func TestDenyAtAListener(t *testing.T) {
	c := config.Default()
	s := config.DefaultService()
	s.Primary, s.Listen = "a:1", []string{"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"}
	s.Access = config.Access{Deny: []string{"flushall", "127.0.0.1:2=keys", "127.0.0.1:2=@hash"}}
	c.Services = []config.Service{s}
	r := (&roster{}).with(&c)
	numbers, own := listenerIDs(&c, r)
	if len(own) != 3 || numbers[0] != 1 || numbers[1] != 2 || numbers[2] != 3 {
		t.Fatalf("the listeners are %v, %+v", numbers, own)
	}
	gates, err := newGates(&c, r, (&directory{first: 1}).with(&c, r))
	if err != nil {
		t.Fatal(err)
	}
	users := gates[0].own.users.Load()
	for listener, want := range map[int]string{1: "+@all -flushall", 2: "+@all -flushall -keys -@hash"} {
		if got := users.At(listener).Initial().String(); !strings.HasSuffix(got, want) {
			t.Errorf("at %d: %s", listener, got)
		}
	}
}

// TestGateDeniesByListener: what is denied, and what alone is allowed, for all clients and for those of one listener.
func TestGateDeniesByListener(t *testing.T) {
	a := config.Access{Users: []string{"user app on >x ~* &* +@all"},
		Deny:      []string{"FLUSHALL", "1:1=GET"},
		AllowOnly: []string{"@write", "get", "2:2=@read"}}
	g, err := newGate(gateSource{access: a, rules: map[int]listenerRules{1: rulesAt(&a, "1:1"), 2: rulesAt(&a, "2:2")}})
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

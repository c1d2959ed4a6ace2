package gateway

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestGateTakesAFileThatChanged(t *testing.T) {
	file := filepath.Join(t.TempDir(), "users")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("# comment\r\nuser app on >x ~* +@all\r\n")
	g, err := newGate(Secret{}, Access{UsersFile: file}, nil)
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
	open, err := newGate(Secret{}, Access{}, nil)
	if err != nil || open.users.Load().Initial() == nil || open.users.Load().Defined() {
		t.Errorf("clients need a password: %v", err)
	}
	denying, err := newGate(Secret{}, Access{Deny: []string{"dangerous"}}, nil)
	if err != nil || denying.users.Load().Initial() == nil || denying.users.Load().Initial().Unlimited() {
		t.Errorf("nothing is denied: %v", err)
	}
	closed, err := newGate(Secret{Value: "secret"}, Access{}, nil)
	if err != nil || closed.users.Load().Initial() != nil ||
		closed.users.Load().Authenticate([]byte("default"), []byte("secret")) == nil {
		t.Errorf("the password is not asked for: %v", err)
	}
}

func TestDenyAtAListener(t *testing.T) {
	c := DefaultConfig()
	s := DefaultService()
	s.Primary, s.Listen = "a:1", []string{"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"}
	s.Access = Access{Deny: []string{"flushall", "127.0.0.1:2=keys", "127.0.0.1:2=@hash"}}
	c.Services = []Service{s}
	numbers, own := c.listenerIDs()
	if len(own) != 1 || numbers[0] != 0 || numbers[1] != 1 || numbers[2] != 0 {
		t.Fatalf("the listeners are %v, %+v", numbers, own)
	}
	g := &Gateway{conf: c, subServices: c.subServices()}
	if err := g.addGates(); err != nil {
		t.Fatal(err)
	}
	users := g.gates[0].users.Load()
	for listener, want := range map[int]string{0: "+@all -flushall", 1: "+@all -flushall -keys -@hash"} {
		if got := users.At(listener).Initial().String(); !strings.HasSuffix(got, want) {
			t.Errorf("at %d: %s", listener, got)
		}
	}
}

func TestAccessIsValidated(t *testing.T) {
	service := func(change func(*Service)) string {
		s := DefaultService()
		s.Primary = "a:1"
		change(&s)
		c := DefaultConfig()
		c.Services = []Service{s}
		if err := c.Validate(); err != nil {
			return err.Error()
		}
		return ""
	}
	lines := func(lines ...string) func(*Service) {
		return func(s *Service) { s.Access.Users = lines }
	}
	for name, c := range map[string]struct {
		change func(*Service)
		want   string
	}{
		"right": {change: lines("user app on >x ~* +@all")},
		"wrong": {lines("user app on >hidden", "user app on", "user b +@no"),
			"users: line 2: Duplicate user 'app' found; users: line 3: Error in applying operation '+@no'"},
		"both": {func(s *Service) { s.Access = Access{Users: []string{"user app on"}, UsersFile: "f"} },
			"users-file: conflicts with users: set only one"},
		"beside a password": {func(s *Service) { s.Access.UsersFile, s.Password.Value = "f", "x" },
			"users-file: conflicts with a password for clients"},
		"open to all": {func(s *Service) {
			s.Access.Users, s.Listen = []string{"user default on nopass"}, []string{"127.0.0.1:1", "0.0.0.0:2"}
		}, `users: the default user needs no password, and "0.0.0.0:2" is reachable from other machines`},
		"denied": {change: func(s *Service) { s.Access.Deny = []string{"dangerous", "CONFIG SET", "@write"} }},
		"denied wrongly": {func(s *Service) { s.Access.Deny = []string{"flushal", "auth"} },
			`deny: "flushal" is neither a command nor a category, nor "dangerous"; deny: "auth" cannot be denied`},
		"denied at a listener": {change: func(s *Service) {
			s.Access.Deny = []string{s.Listen[0] + "=keys"}
		}},
		"denied nowhere": {func(s *Service) { s.Access.Deny = []string{"127.0.0.1:1=no"} },
			`deny: "no" is neither a command nor a category, nor "dangerous"`},
		"open on purpose": {change: func(s *Service) {
			s.Access.Users, s.Listen, s.NoAuth = []string{"user default on nopass"}, []string{"0.0.0.0:2"}, true
		}},
		"closed": {change: func(s *Service) {
			s.Access.Users, s.Listen = []string{"user app on >x"}, []string{"0.0.0.0:2"}
		}},
	} {
		got := service(c.change)
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) || strings.Contains(got, "hidden") {
			t.Errorf("%s: %s", name, got)
		}
	}
}

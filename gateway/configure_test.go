package gateway

import (
	"errors"
	"testing"

	"evergate/gateway/admin"
	"evergate/topology"
)

func saidBy(addr string, reply any, err error) said {
	return said{node: &topology.Node{Addr: addr}, reply: reply, err: err}
}

type serverError string

func (e serverError) Error() string { return string(e) }
func (e serverError) RedisError()   {}

func TestConfigGetIsWhatServersAgreeOn(t *testing.T) {
	one := saidBy("a:1", []any{"maxmemory", "1", "port", "1", "save", "x", "requirepass", "secret"}, nil)
	for _, c := range []struct {
		name  string
		proto uint8
		asked []string
		all   []said
		want  string
	}{
		{"one server", 2, []string{"*"}, []said{one},
			"*6\r\n$9\r\nmaxmemory\r\n$1\r\n1\r\n$4\r\nport\r\n$1\r\n1\r\n$4\r\nsave\r\n$1\r\nx\r\n"},
		{"places are left out of a pattern", 3, []string{"*"},
			[]said{one, saidBy("b:2", []any{"maxmemory", "1", "save", "x", "port", "2"}, nil)},
			"%2\r\n$9\r\nmaxmemory\r\n$1\r\n1\r\n$4\r\nsave\r\n$1\r\nx\r\n"},
		{"a place by its name", 2, []string{"save", "PORT"}, []said{one, saidBy("b:2", []any{"save", "x", "port", "2"}, nil)},
			"-ERR evergate: the servers differ in 'maxmemory': '1' on a:1, none on b:2\r\n"},
		{"a place by its name alone", 2, []string{"PORT"},
			[]said{saidBy("a:1", []any{"port", "1"}, nil), saidBy("b:2", []any{"port", "2"}, nil)},
			"-ERR evergate: the servers differ in 'port': '1' on a:1, '2' on b:2\r\n"},
		{"they differ", 2, []string{"max*"}, []said{one, saidBy("b:2", []any{"maxmemory", "2", "save", "x"}, nil)},
			"-ERR evergate: the servers differ in 'maxmemory': '1' on a:1, '2' on b:2\r\n"},
		{"nothing", 3, []string{"nosuch"}, []said{saidBy("a:1", []any{}, nil)}, "%0\r\n"},
		{"a managed server", 2, []string{"timeout", "nosuch"},
			[]said{saidBy("a:1", nil, serverError("ERR unknown command 'CONFIG', with args"))},
			"*2\r\n$7\r\ntimeout\r\n$1\r\n0\r\n"},
		{"an error of the server", 2, []string{"x"}, []said{saidBy("a:1", nil, serverError("BUSY a script"))},
			"-BUSY a script\r\n"},
	} {
		r := &admin.Request{Proto: c.proto, Words: append([]string{"get"}, c.asked...)}
		if got := string(configGot(r, c.all)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestConfigSetSaysWhereItFailed(t *testing.T) {
	no, other := serverError("ERR Unknown option"), errors.New("dial: connection refused")
	fine, refuses, gone := saidBy("a:1", "OK", nil), saidBy("b:2", nil, no), saidBy("c:3", nil, other)
	if got := refusedAlike([]said{refuses, refuses}); got != string(no) {
		t.Errorf("refused by all: %q", got)
	}
	for _, all := range [][]said{{fine, refuses}, {refuses, gone}, {fine}} {
		if got := refusedAlike(all); got != "" {
			t.Errorf("refused by some: %q", got)
		}
	}
	for _, c := range []struct {
		all  []said
		want string
	}{
		{[]said{fine, fine}, "+OK\r\n"},
		{[]said{fine, refuses, gone},
			"-ERR evergate: CONFIG SET succeeded on a:1 and failed on b:2 (ERR Unknown option), c:3 (connection refused)\r\n"},
		{[]said{refuses, gone},
			"-ERR evergate: CONFIG SET failed on b:2 (ERR Unknown option), c:3 (connection refused)\r\n"},
	} {
		if got := string(configChanged("set", c.all)); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestConfigSetOfWhatIsSoAlready(t *testing.T) {
	one, two := saidBy("a:1", []any{"port", "1"}, nil), saidBy("b:2", []any{"port", "2"}, nil)
	hidden := saidBy("c:3", []any{"requirepass", "1"}, nil)
	for _, c := range []struct {
		all   []said
		name  string
		value string
		want  bool
	}{
		{[]said{one, one}, "port", "1", true},
		{[]said{one, two}, "port", "1", false},
		{[]said{one}, "port", "2", false},
		{[]said{one, saidBy("c:3", nil, errors.New("gone"))}, "port", "1", false},
		{[]said{hidden}, "requirepass", "1", false},
	} {
		if got := haveAll(c.all, c.name, c.value); got != c.want {
			t.Errorf("%s %s: %v", c.name, c.value, got)
		}
	}
}

func TestConfigWords(t *testing.T) {
	for words, want := range map[string][]string{
		"requirepass": {"maxmemory", "1", "RequirePass", "x"}, "replica-priority": {"replica-priority", "0"},
		"cluster-node-timeout": {"cluster-node-timeout", "1"}, "tls-port": {"tls-port", "1"},
		"slave-read-only": {"save", "bind", "slave-read-only", "no"}, "": {"maxmemory", "port", "repl-timeout", "1", "odd"},
	} {
		if got := protectedIn(want); got != words {
			t.Errorf("%q: %q is protected", want, got)
		}
	}
	if secretIn([]string{"maxmemory", "MasterAuth"}) != "masterauth" || secretIn([]string{"*", "save"}) != "" {
		t.Error("secrets are asked for, or not")
	}
}

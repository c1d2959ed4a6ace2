package direct

import (
	"errors"
	"testing"

	"evergate/gateway/admin"
	"evergate/topology"
)

func replyOf(addr string, reply any, err error) Reply {
	return Reply{Node: &topology.Node{Addr: addr}, Reply: reply, Err: err}
}

type serverError string

func (e serverError) Error() string { return string(e) }
func (e serverError) RedisError()   {}

func TestConfigGetIsWhatServersAgreeOn(t *testing.T) {
	one := replyOf("a:1", []any{"maxmemory", "1", "port", "1", "save", "x", "requirepass", "secret"}, nil)
	for _, c := range []struct {
		name  string
		proto uint8
		asked []string
		all   []Reply
		want  string
	}{
		{"one server", 2, []string{"*"}, []Reply{one},
			"*6\r\n$9\r\nmaxmemory\r\n$1\r\n1\r\n$4\r\nport\r\n$1\r\n1\r\n$4\r\nsave\r\n$1\r\nx\r\n"},
		{"places are left out of a pattern", 3, []string{"*"},
			[]Reply{one, replyOf("b:2", []any{"maxmemory", "1", "save", "x", "port", "2"}, nil)},
			"%2\r\n$9\r\nmaxmemory\r\n$1\r\n1\r\n$4\r\nsave\r\n$1\r\nx\r\n"},
		{"a place by its name", 2, []string{"save", "PORT"},
			[]Reply{one, replyOf("b:2", []any{"save", "x", "port", "2"}, nil)},
			"-ERR evergate: the servers differ in 'maxmemory': '1' on a:1, none on b:2\r\n"},
		{"a place by its name alone", 2, []string{"PORT"},
			[]Reply{replyOf("a:1", []any{"port", "1"}, nil), replyOf("b:2", []any{"port", "2"}, nil)},
			"-ERR evergate: the servers differ in 'port': '1' on a:1, '2' on b:2\r\n"},
		{"they differ", 2, []string{"max*"}, []Reply{one, replyOf("b:2", []any{"maxmemory", "2", "save", "x"}, nil)},
			"-ERR evergate: the servers differ in 'maxmemory': '1' on a:1, '2' on b:2\r\n"},
		{"nothing", 3, []string{"nosuch"}, []Reply{replyOf("a:1", []any{}, nil)}, "%0\r\n"},
		{"a managed server", 2, []string{"timeout", "nosuch"},
			[]Reply{replyOf("a:1", nil, serverError("ERR unknown command 'CONFIG', with args"))},
			"*2\r\n$7\r\ntimeout\r\n$1\r\n0\r\n"},
		{"an error of the server", 2, []string{"x"}, []Reply{replyOf("a:1", nil, serverError("BUSY a script"))},
			"-BUSY a script\r\n"},
	} {
		r := &admin.Request{Proto: c.proto, Words: append([]string{"get"}, c.asked...)}
		if got := string(configGot(r, c.all)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestConfigSetNamesWhereItFailed(t *testing.T) {
	no, other := serverError("ERR Unknown option"), errors.New("dial: connection refused")
	fine, refuses, gone := replyOf("a:1", "OK", nil), replyOf("b:2", nil, no), replyOf("c:3", nil, other)
	if got := refusedAlike([]Reply{refuses, refuses}); got != string(no) {
		t.Errorf("refused by all: %q", got)
	}
	for _, all := range [][]Reply{{fine, refuses}, {refuses, gone}, {fine}} {
		if got := refusedAlike(all); got != "" {
			t.Errorf("refused by some: %q", got)
		}
	}
	for _, c := range []struct {
		all  []Reply
		want string
	}{
		{[]Reply{fine, fine}, "+OK\r\n"},
		{[]Reply{fine, refuses, gone},
			"-ERR evergate: CONFIG SET succeeded on a:1 and failed on b:2 (ERR Unknown option), c:3 (connection refused)\r\n"},
		{[]Reply{refuses, gone},
			"-ERR evergate: CONFIG SET failed on b:2 (ERR Unknown option), c:3 (connection refused)\r\n"},
	} {
		if got := string(configChanged("set", c.all)); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestConfigSetOfWhatIsSoAlready(t *testing.T) {
	one, two := replyOf("a:1", []any{"port", "1"}, nil), replyOf("b:2", []any{"port", "2"}, nil)
	hidden := replyOf("c:3", []any{"requirepass", "1"}, nil)
	for _, c := range []struct {
		all   []Reply
		name  string
		value string
		want  bool
	}{
		{[]Reply{one, one}, "port", "1", true},
		{[]Reply{one, two}, "port", "1", false},
		{[]Reply{one}, "port", "2", false},
		{[]Reply{one, replyOf("c:3", nil, errors.New("gone"))}, "port", "1", false},
		{[]Reply{hidden}, "requirepass", "1", false},
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

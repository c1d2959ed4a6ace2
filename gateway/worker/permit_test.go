package worker_test

import (
	"bytes"
	"strings"
	"testing"

	"evergate/gateway/access"
	"evergate/gateway/resp"
	"evergate/gateway/upstream"
	"evergate/gateway/worker"
	"evergate/routing"
	"evergate/testenv/play"
)

// TestNoCommandEscapesTheCheck sends every command of the table for a user without any right, alone, in a transaction
// and to each kind of listener, with all dangerous commands permitted: the answer is NOPERM, and no server is sent a
// byte.
func TestNoCommandEscapesTheCheck(t *testing.T) {
	for _, role := range []string{"", "cluster", "replica"} {
		for _, before := range []string{"", "MULTI", "HELLO 3"} {
			t.Run(role+" "+before, func(t *testing.T) { allDenied(t, role, before) })
		}
	}
}

// harmless are the commands that any user may do, or that are no commands.
var harmless = map[string]bool{"auth": true, "hello": true, "quit": true, "reset": true, "post": true, "host:": true}

func allDenied(t *testing.T, role, before string) {
	users, err := access.Parse("test", []string{"user default on nopass +multi"})
	if err != nil {
		t.Fatal(err)
	}
	conf := worker.Config{Services: []worker.Service{{Name: "main", Allowed: map[string]bool{}}}}
	for _, c := range routing.Rows() {
		conf.Services[0].Allowed[c.Name] = true
	}
	listener := 0
	if role != "" {
		conf.Listeners, listener = []worker.Listener{{Role: faceSetting(role)}}, 1
	}
	f := &fake{t: t, Record: play.NewRecord(), servers: map[worker.ConnID]*play.Server{}}
	f.Loop = play.New(conf, worker.Env{Users: func(int) *access.Users { return users }}, f, t.Fatalf)
	f.see(0, -1)
	f.connect()
	f.Connected(0, upstream.Greeting{})
	clear(f.Servers)
	for _, c := range routing.Rows() {
		if harmless[c.Name] || c.Name == "multi" || c.Family == routing.CmdSentinel || c.Subcommands() != nil {
			continue
		}
		client := f.Open(listener).ID
		if before != "" {
			f.say(client, before)
		}
		f.Rest()
		delete(f.Clients, client)
		f.FromClient(client, resp.AppendCommandStrings(nil, requestOf(c)...))
		f.Rest()
		if got := f.Clients[client]; !denied(got) {
			t.Errorf("%s: %q", c.Name, got)
		}
		f.Leave(client)
	}
	for id, sent := range f.Servers {
		t.Errorf("server %d is sent %q", id, sent)
	}
}

func denied(reply []byte) bool {
	return bytes.HasPrefix(reply, []byte("-NOPERM User default has no permissions to run")) ||
		bytes.HasPrefix(reply, []byte("-EXECABORT Transaction discarded because of: NOPERM User default"))
}

// requestOf is a request with a number of arguments that the command takes.
func requestOf(c *routing.Command) []string {
	args := strings.Split(c.Name, "|")
	for n := max(c.Arity, -c.Arity); len(args) < n; {
		args = append(args, "1")
	}
	return args
}

// TestListenerDeniesCommands: the clients of a listener may do less, whoever they are and whenever users change.
func TestListenerDeniesCommands(t *testing.T) {
	made := func(password string) *access.Users {
		users, err := access.Parse("test", []string{
			"user app on >" + password + " ~* &* +@all", "user default on nopass ~* +@all",
		})
		if err != nil {
			t.Fatal(err)
		}
		return users.Vary(map[int]*access.Users{1: users.Without([]string{"keys", "info"})})
	}
	users := made("one")
	f := &fake{t: t, Record: play.NewRecord(), servers: map[worker.ConnID]*play.Server{}}
	f.Loop = play.New(worker.Config{Services: []worker.Service{{Name: "main"}}, Listeners: []worker.Listener{{}}},
		worker.Env{Users: func(int) *access.Users { return users }}, f, t.Fatalf)
	f.see(0, -1)
	f.connect()
	free, less := f.Open(0).ID, f.Open(1).ID
	sends := func(client uint32, commands, want string) {
		t.Helper()
		delete(f.Clients, client)
		f.say(client, commands)
		f.Rest()
		if got := string(f.Clients[client]); got != want {
			t.Errorf("%s: %q", commands, got)
		}
	}
	no := func(user string) string {
		return "-NOPERM User " + user + " has no permissions to run the 'info' command\r\n"
	}
	sends(less, "INFO", no("default"))
	sends(less, "AUTH app one / INFO / RESET / INFO", "+OK\r\n"+no("app")+"+RESET\r\n"+no("default"))
	sends(free, "AUTH app one / ACL DRYRUN app INFO", "+OK\r\n+OK\r\n")
	users = made("two")
	f.Tick(f.Now)
	sends(less, "INFO / AUTH app two / INFO", no("default")+"+OK\r\n"+no("app"))
	sends(free, "ACL DRYRUN app INFO", "+OK\r\n")
}

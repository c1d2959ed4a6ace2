package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"evergate/testenv/servers"
)

// Users of the gateway and of a server with the same ACL file: what clients of both are answered is the same.

// userLines is the file of users.
const userLines = `user default on nopass ~open:* +ping +get +auth
user admin on >of-the-admin ~* &* +@all
user app on >app1 >app2 ~app:* %R~shared:* %W~log:* &events:* +@all -@dangerous -@admin +config|get
user old off >old ~* +@all
user parts on >parts -@all +get +mget +set +multi +exec +discard +select|1 +publish ~a &a (+del ~b) (+sort %R~* ~z)
user none on >none
`

// userScripts are what clients say, each on a connection of its own; the first words authenticate.
var userScripts = [][]string{
	{"PING", "GET open:1", "GET x", "SET open:1 v", "ACL WHOAMI", "MULTI", "AUTH app wrong", "AUTH app app1", "GET x",
		"GET app:1", "RESET", "GET app:1", "GET open:1", "AUTH old old", "AUTH nobody x", "AUTH x",
		"HELLO 2 AUTH app no"},
	{"AUTH app app2", "ACL WHOAMI", "SET app:1 v", "GET app:1", "GET shared:1", "SET shared:1 v",
		"SET log:1 v", "GET log:1",
		"SET log:1 v GET", "APPEND log:1 v", "GETDEL shared:1", "COPY shared:1 app:2", "COPY app:1 shared:2",
		"MGET app:1 x",
		"MSET app:1 1 x 2", "DEL app:1 shared:1", "EXISTS app:1 shared:1 app:1", "RENAME app:1 app:2", "RENAME app:2 x",
		"OBJECT ENCODING x", "KEYS *", "FLUSHALL", "CONFIG GET maxmemory", "CONFIG SET maxmemory 1", "DBSIZE",
		"SINTERSTORE app:s app:1 x", "ZUNION 2 app:1 x", "ZUNIONSTORE app:z 1 shared:1", "LMPOP 2 app:l x LEFT",
		"BLPOP app:l x 0", "BLMOVE app:l x LEFT LEFT 0", "XREAD COUNT 1 STREAMS app:x x 0 0",
		"XREAD STREAMS app:x shared:x 0 0",
		"EVAL return 1 x", "EVAL return 0", "EVAL return 1 app:1", "EVALSHA abc 1 x", "FCALL f 1 x", "SORT app:l BY x*",
		"SORT app:l GET y", "SORT app:l BY nosort STORE log:l", "SORT app:l STORE x", "SORT app:l",
		"GEORADIUS x 0 0 1 m",
		"BITFIELD shared:b GET u8 0", "BITFIELD shared:b SET u8 0 1", "BITFIELD_RO shared:b GET u8 0",
		"WATCH x", "WATCH app:1",
		"UNWATCH", "PFCOUNT shared:h app:h", "PFMERGE app:h shared:h", "PFMERGE app:h x", "OBJECT HELP", "NOSUCH x",
		"GET", "CONFIG", "CONFIG NOSUCH", "CLIENT KILL ID 1", "CLIENT ID x", "CLIENT SETNAME me", "CLIENT GETNAME",
		"MONITOR", "SHUTDOWN", "DEBUG SLEEP 0", "REPLICAOF NO ONE", "SELECT 1", "SELECT 0",
		"SCAN 0 MATCH nothing*", "ACL LIST"},
	{"AUTH app app1", "PUBLISH events:1 m", "PUBLISH x m", "SPUBLISH x m", "SUBSCRIBE x", "SUBSCRIBE events:1 x",
		"PSUBSCRIBE events:1", "PSUBSCRIBE events:*", "PUNSUBSCRIBE events:*", "SUBSCRIBE events:1", "GET app:1",
		"UNSUBSCRIBE events:1", "SSUBSCRIBE x", "PUBSUB CHANNELS"},
	{"AUTH app app1", "MULTI", "SET app:1 v", "GET app:1", "EXEC", "MULTI", "SET app:1 w", "SET x v", "EXEC",
		"GET app:1",
		"MULTI", "FLUSHALL", "DISCARD", "MULTI", "GET x", "GET", "EXEC", "EXEC", "MULTI", "ACL WHOAMI", "PING", "EXEC",
		"MULTI", "CONFIG SET maxmemory 1", "EXEC", "MULTI", "PUBLISH x m", "EXEC"},
	{"AUTH parts parts", "GET a", "SET a v", "DEL a", "DEL b", "GET b", "MGET a b", "SELECT 1", "SELECT 0",
		"SORT b BY x* GET y",
		"SORT z STORE z", "SORT z STORE a", "PUBLISH a m", "PUBLISH b m", "MULTI", "SET a w", "DEL b", "EXEC",
		"UNWATCH", "PING",
		"MULTI", "DISCARD", "MULTI", "PING", "EXEC", "RESET", "PING", "ACL WHOAMI"},
	{"AUTH none none", "PING", "GET x", "ACL WHOAMI", "MULTI", "EXEC", "DISCARD", "AUTH parts parts", "GET a",
		"GET x", "ACL WHOAMI", "QUIT"},
	{"AUTH admin of-the-admin", "ACL WHOAMI", "SET x v", "GET x", "ACL USERS", "ACL DRYRUN app GET x",
		"ACL DRYRUN app GET app:1",
		"ACL DRYRUN app FLUSHALL", "ACL DRYRUN app PUBLISH x m", "ACL DRYRUN nobody GET x",
		"ACL DRYRUN app NOSUCH", "ACL CAT nosuch",
		"ACL GETUSER nobody", "ACL NOSUCH", "ACL WHOAMI x"},
}

// compareWithTwin sends the lines of a script to the gateway and to a server, and compares the replies with same.
func compareWithTwin(t *testing.T, gate *servers.Gateway, twin *servers.Env, script []string,
	same func(line, got, want string) bool) {
	t.Helper()
	ours, theirs := servers.MustDial(t, gate.Addr), servers.MustDial(t, twin.Nodes()[0].Addr)
	for _, line := range script {
		words := strings.Fields(line)
		got, err := ours.Do(words...)
		if err != nil {
			t.Fatalf("%s: %s: %v", script[0], line, err)
		}
		want, err := theirs.Do(words...)
		if err != nil {
			t.Fatalf("%s: %s: the server: %v", script[0], line, err)
		}
		if !same(line, string(got), string(want)) {
			t.Errorf("%s: %s: %q, the server says %q", script[0], line, got, want)
		}
	}
}

func TestUsersHaveTheRightsOfAServersUsers(t *testing.T) {
	t.Parallel()
	behind := servers.StartPlain(t, servers.Options{})
	lines := strings.Split(strings.TrimSpace(userLines), "\n")
	twin := servers.StartPlain(t, servers.Options{ACL: lines, User: "admin", UserPassword: "of-the-admin"})
	gate := servers.StartGateway(t, "--primary", behind.Nodes()[0].Addr, "--users-file", usersFile(t, userLines))
	admin := servers.MustDial(t, gate.Addr)
	expect(t, admin, "+OK\r\n", "AUTH", "admin", "of-the-admin")
	awaitWrite(t, admin, "SET", "app:0", "v")
	expect(t, admin, ":1\r\n", "DEL", "app:0")
	expect(t, admin, "+OK\r\n", "ACL", "LOG", "RESET")
	alike := wording(twin.Version)
	for _, script := range userScripts {
		compareWithTwin(t, gate, twin, script, func(_, got, want string) bool { return alike(got) == alike(want) })
	}
	sameLog(t, gate.Addr, twin)
}

// sameLog compares what ACL LOG shows of each denial.
func sameLog(t *testing.T, gate string, twin *servers.Env) {
	t.Helper()
	of := func(addr string) (all []string) {
		conn := servers.MustDial(t, addr)
		expect(t, conn, "+OK\r\n", "AUTH", "admin", "of-the-admin")
		reply, err := conn.Do("ACL", "LOG", "1000")
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range logEntry.FindAllStringSubmatch(string(reply), -1) {
			all = append(all, strings.Join(m[1:], " "))
		}
		return all
	}
	ours, theirs := of(gate), of(twin.Nodes()[0].Addr)
	if len(ours) < 40 || strings.Join(ours, "\n") != strings.Join(theirs, "\n") {
		t.Errorf("ACL LOG:\n%s\nthe server's:\n%s", strings.Join(ours, "\n"), strings.Join(theirs, "\n"))
	}
}

var logEntry = regexp.MustCompile(`count\r\n:(\d+)\r\n\$6\r\nreason\r\n\$\d+\r\n(\w+)\r\n` +
	`\$7\r\ncontext\r\n\$\d+\r\n(\w+)\r\n` +
	`\$6\r\nobject\r\n\$\d+\r\n(.*)\r\n\$8\r\nusername\r\n\$\d+\r\n(.*)\r\n`)

// wording takes from replies what differs between versions of servers: the texts about rights before 7.2.
func wording(v servers.Version) func(string) string {
	return func(reply string) string {
		if v.AtLeast(7, 2) {
			return reply
		}
		if before, _, found := strings.Cut(reply, "NOPERM"); found {
			return before + "NOPERM"
		}
		if _, after, found := strings.Cut(reply, " has no permissions "); found { // of ACL DRYRUN
			return after
		}
		return reply
	}
}

// usersFile writes a file of users.
func usersFile(t *testing.T, lines string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "users.acl")
	if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestUsersFileIsReloaded: a new file of users counts for clients that are connected, and a wrong one changes nothing.
func TestUsersFileIsReloaded(t *testing.T) {
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{})
	file := usersFile(t, "user app on >app ~* &* +@all\nuser gone on >gone ~* &* +@all\nuser other on >other ~* +@all\n")
	gate := servers.StartGateway(t, "--primary", env.Nodes()[0].Addr, "--users-file", file)
	app, gone, other := servers.MustDial(t, gate.Addr), servers.MustDial(t, gate.Addr), servers.MustDial(t, gate.Addr)
	expect(t, app, "+OK\r\n", "AUTH", "app", "app")
	awaitWrite(t, app, "SET", "k", "v")
	expect(t, gone, "+OK\r\n", "AUTH", "gone", "gone")
	expect(t, other, "+OK\r\n", "AUTH", "other", "other")
	expect(t, app, "+OK\r\n", "MULTI")
	expect(t, app, "+QUEUED\r\n", "SET", "k", "w")
	expect(t, other, "+OK\r\n", "MULTI")
	expect(t, other, "+QUEUED\r\n", "GET", "k")

	replace := func(lines string) {
		t.Helper()
		if err := os.WriteFile(file+".new", []byte(lines), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	logged := func(text string) {
		t.Helper()
		servers.Until(t, servers.Patience, "the log: "+text, func() error {
			if !strings.Contains(gate.Log(), text) {
				return errors.New("not yet")
			}
			return nil
		})
	}
	replace("user app on >new ~* &* +@all\nuser app on\nuser x +nosuch\n")
	logged("users.acl:2: Duplicate user 'app' found; ")
	logged("users.acl:3: Error in applying operation '+nosuch'")
	replace("")
	logged("it defines no user")
	expect(t, gone, "$1\r\nv\r\n", "GET", "k")

	replace("user app on >new ~* &* +@all -set\nuser other on >other ~* +@all\n")
	logged("users reloaded")
	if rest, err := gone.Rest(); len(rest) > 0 || err != nil {
		t.Errorf("the client of a removed user is sent %q, and %v", rest, err)
	}
	expect(t, app, "-EXECABORT Transaction discarded because of previous errors.\r\n", "EXEC")
	expect(t, app, "-NOPERM User app has no permissions to run the 'set' command\r\n", "SET", "k", "w")
	expect(t, app, "$1\r\nv\r\n", "GET", "k")
	expect(t, other, "*1\r\n$1\r\nv\r\n", "EXEC")
	fresh := servers.MustDial(t, gate.Addr)
	expect(t, fresh, "-WRONGPASS invalid username-password pair or user is disabled.\r\n", "AUTH", "app", "app")
	expect(t, fresh, "+OK\r\n", "AUTH", "app", "new")
	expect(t, fresh, "-ERR 'acl setuser' is not allowed through the gateway: its users are defined in "+file+"\r\n",
		"ACL", "SETUSER", "app", "on")
}

// TestScriptsReachUndeclaredKeys is what the guide says of scripts: only what they declare is checked.
func TestScriptsReachUndeclaredKeys(t *testing.T) {
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{})
	gate := servers.StartGateway(t, "--primary", env.Nodes()[0].Addr, "--users-file",
		usersFile(t, "user app on >app ~app:* +@all\nuser safe on >safe ~app:* +@all -@scripting\n"))
	if log := gate.Log(); !strings.Contains(log, "user app may run scripts") || strings.Contains(log, "user safe") {
		t.Errorf("the log warns not of app alone:\n%s", gate.Log())
	}
	app, safe := servers.MustDial(t, gate.Addr), servers.MustDial(t, gate.Addr)
	expect(t, app, "+OK\r\n", "AUTH", "app", "app")
	expect(t, safe, "+OK\r\n", "AUTH", "safe", "safe")
	awaitWrite(t, app, "SET", "app:1", "v")
	expect(t, app, "-NOPERM No permissions to access a key\r\n", "EVAL", "return redis.call('GET', KEYS[1])", "1", "x")
	expect(t, app, "$-1\r\n", "EVAL", "return redis.call('GET', 'x')", "0")
	expect(t, safe, "-NOPERM User safe has no permissions to run the 'eval' command\r\n", "EVAL", "return 1", "0")
}

// TestAuditLogHasNoValues: what is denied, and what is dangerous, is in the audit log; no value and no password is.
func TestAuditLogHasNoValues(t *testing.T) {
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{})
	file := filepath.Join(t.TempDir(), "audit.log")
	gate := servers.StartGateway(t, "--primary", env.Nodes()[0].Addr, "--deny", "FLUSHALL", "--audit-log", file,
		"--users-file", usersFile(t, "user app on >hunter2 ~app:* +@all\nuser ops on >ops ~* +@all\n"))
	conn := servers.MustDial(t, gate.Addr)
	expect(t, conn, "-WRONGPASS invalid username-password pair or user is disabled.\r\n", "AUTH", "app", "hunter1")
	expect(t, conn, "+OK\r\n", "AUTH", "app", "hunter2")
	awaitWrite(t, conn, "SET", "app:1", "hunter3")
	expect(t, conn, "-NOPERM No permissions to access a key\r\n", "SET", "x", "hunter3")
	expect(t, conn, "-NOPERM User app has no permissions to run the 'flushall' command\r\n", "FLUSHALL")
	expect(t, conn, "*1\r\n$5\r\napp:1\r\n", "KEYS", "app:1")
	want := []string{`"event":"auth-failed","user":"app"`, `"command":"set","keys":["x"],"reason":"key","object":"x"}`,
		`"command":"flushall","reason":"command"}`, `"event":"allowed","user":"app"`}
	servers.Until(t, servers.Patience, "the audit log", func() error {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if strings.Contains(string(text), "hunter") {
			t.Fatalf("a value or a password is in the audit log:\n%s", text)
		}
		for _, entry := range want {
			if !strings.Contains(string(text), entry) {
				return errors.New("no " + entry)
			}
		}
		return nil
	})
}

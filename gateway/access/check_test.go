package access

import (
	"strings"
	"testing"

	"evergate/routing"
)

func users(t testing.TB, lines ...string) *Users {
	all, err := Parse("test", lines)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// check returns the error for a request, or "" if it is allowed.
func check(user *User, line string) string {
	args := bytesOf(strings.Fields(line))
	c := routing.Lookup(args)
	permit, denied := user.Check(c, args, nil)
	if permit.Covers(c) {
		return ""
	}
	return string(denied.AppendError(nil, user, c))
}

func TestCheck(t *testing.T) {
	const noKey, noChannel = "-NOPERM No permissions to access a key\r\n", "-NOPERM No permissions to access a channel\r\n"
	user := users(t, "user app on -@all +@read +set +config|get +select|0 +publish +psubscribe +subscribe +sort "+
		"~app:* %R~ro:* &news.* (+del ~tmp)").Lookup("app")
	for line, want := range map[string]string{
		"GET app:1": "", "get ro:1": "", "GET x": noKey, "SET app:1 v": "", "SET ro:1 v": noKey,
		"MGET app:1 ro:1": "", "MGET app:1 x": noKey, "DEL tmp": "", "DEL app:1": noKey, "CONFIG GET x": "",
		"CONFIG SET a b": "-NOPERM User app has no permissions to run the 'config|set' command\r\n",
		"FLUSHALL":       "-NOPERM User app has no permissions to run the 'flushall' command\r\n",
		"SELECT 0":       "", "SELECT 1": "-NOPERM User app has no permissions to run the 'select' command\r\n",
		"AUTH x": "", "HELLO 3": "", "QUIT": "", "RESET": "",
		"SUBSCRIBE news.a": "", "SUBSCRIBE news.a x": noChannel, "PSUBSCRIBE news.*": "", "PSUBSCRIBE news.a": noChannel,
		"PUBLISH news.a x": "", "PUBLISH x news.a": noChannel, "KEYS *": "", "SORT app:1": "",
		"SORT app:1 BY x*": "-ERR BY option of SORT denied due to insufficient ACL permissions.\r\n",
		"SORT app:1 GET #": "-ERR GET option of SORT denied due to insufficient ACL permissions.\r\n",
		"EVAL s 1 app:1":   "-NOPERM User app has no permissions to run the 'eval' command\r\n",
	} {
		if got := check(user, line); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
	sorter := users(t, "user u +@all %R~a %W~*").Lookup("u")
	if check(sorter, "SORT a") != "" || check(sorter, "SORT a GET x") == "" {
		t.Error("to write all keys is enough for GET of SORT")
	}
	args := [][]byte{[]byte("GET"), {}}
	everything := users(t, "user u +@all ~* (+@all %RW~*)", "user v +@all %RW~*")
	if _, got := everything.Lookup("u").Check(routing.Lookup(args), args, nil); got.Reason != Allowed {
		t.Error("~* does not allow the empty key")
	}
	if _, got := everything.Lookup("v").Check(routing.Lookup(args), args, nil); got.Reason != Key {
		t.Error("a pattern matches the empty key")
	}
}

func TestObjectIsWhatIsDenied(t *testing.T) {
	user := users(t, "user u +@all -flushall ~a &a").Lookup("u")
	for line, want := range map[string]Denial{
		"MGET a b c": {Key, []byte("b")}, "SUBSCRIBE a b": {Channel, []byte("b")}, "FLUSHALL": {Reason: Command}, "GET a": {},
	} {
		args := bytesOf(strings.Fields(line))
		permit, got := user.Check(routing.Lookup(args), args, nil)
		if permit.Covers(routing.Lookup(args)) != (want.Reason == Allowed) || got.Reason != want.Reason ||
			string(got.Object) != string(want.Object) {
			t.Errorf("%s: %v %q", line, got.Reason, got.Object)
		}
	}
	if got := (Denial{Key, []byte("b")}).ObjectOf("get"); got != "b" {
		t.Error(got)
	}
	if got := (Denial{Reason: Command}).ObjectOf("get"); got != "get" {
		t.Error(got)
	}
}

// TestLearntCommands: a command that servers described is allowed by the rules about it, in their order.
func TestLearntCommands(t *testing.T) {
	read := routing.Learn(routing.Definition{Name: "json.get", Arity: -2, Flags: []string{"readonly", "@json", "@read"},
		First: 1, Last: 1, Step: 1})
	asked := routing.Learn(routing.Definition{Name: "json.find", Arity: -2, Flags: []string{"readonly", "movablekeys"}})
	args := bytesOf([]string{"json.get", "a", "b"})
	for _, c := range []struct {
		rules     string
		row       *routing.Command
		keys      [][]byte
		want      Reason
		unlimited bool
	}{
		{rules: "+@all ~* &*", row: read, unlimited: true},
		{rules: "+@all ~*", row: read},
		{rules: "-@all ~*", row: read, want: Command},
		{rules: "+@json ~*", row: read},
		{rules: "+@read ~*", row: read},
		{rules: "+@write ~*", row: read, want: Command},
		{rules: "+@all -@json ~*", row: read, want: Command},
		{rules: "+@all -@json +json.get ~*", row: read},
		{rules: "+@all -json.get ~* &*", row: read, want: Command},
		{rules: "+@all -JSON.GET +@read ~*", row: read},
		{rules: "+json.get|a ~*", row: read},
		{rules: "+json.get|b ~*", row: read, want: Command},
		{rules: "+@all %R~a", row: read},
		{rules: "+@all %W~a", row: read, want: Key},
		{rules: "+@all ~b", row: read, want: Key},
		{rules: "+@all ~a", row: asked, want: KeysUnknown},
		{rules: "-@all ~a", row: asked, want: Command},
		{rules: "+@all ~*", row: asked},
		{rules: "+@all ~a", row: asked, keys: bytesOf([]string{"a"})},
		{rules: "+@all ~a", row: asked, keys: bytesOf([]string{"a", "b"}), want: Key},
		{rules: "+@all %R~a", row: asked, keys: bytesOf([]string{"a"}), want: Key},
		{rules: "+@all ~a", row: asked, keys: [][]byte{}},
		{rules: "+@all ~a (+json.find ~*)", row: asked},
	} {
		user := users(t, "user u "+c.rules).Lookup("u")
		permit, got := user.Check(c.row, args, c.keys)
		if permit.Covers(c.row) != (c.want == Allowed) {
			t.Errorf("%s, %s: covered %v", c.rules, c.row.Name, permit.Covers(c.row))
		}
		if got.Reason != c.want || user.Unlimited() != c.unlimited {
			t.Errorf("%s, %s: %d, want %d; unlimited: %v", c.rules, c.row.Name, got.Reason, c.want, user.Unlimited())
		}
	}
}

func TestPermitIsForOneCommand(t *testing.T) {
	get, set := routing.Named("get"), routing.Named("set")
	for _, user := range []*User{WithoutPassword().Initial(), users(t, "user u +get ~*").Lookup("u")} {
		permit, _ := user.Check(get, bytesOf([]string{"get", "a"}), nil)
		if !permit.Covers(get) || permit.Covers(set) || permit.Covers(nil) {
			t.Errorf("%s: the permit covers not GET alone", user.Name())
		}
	}
	permit, denied := users(t, "user u +get ~*").Lookup("u").Check(get, bytesOf([]string{"get"}), nil)
	if permit.Covers(get) || denied.Reason != Allowed || (Permit{}).Covers(nil) {
		t.Error("GET without a key is permitted, or denied")
	}
}

func TestPasswordAlone(t *testing.T) {
	open, closed := WithoutPassword(), WithPassword("secret")
	for _, u := range []*Users{open, closed} {
		d := u.Lookup("default")
		if u.Defined() || !d.Unlimited() || check(d, "FLUSHALL") != "" ||
			u.Authenticate([]byte("other"), []byte("secret")) != nil ||
			u.Authenticate([]byte("default"), []byte("secret")) != d {
			t.Errorf("%v", d)
		}
	}
	if open.Initial() != open.Lookup("default") || open.AsksPassword() || closed.Initial() != nil ||
		!closed.AsksPassword() || closed.Authenticate([]byte("default"), []byte("x")) != nil ||
		closed.Authenticate([]byte("default"), nil) != nil {
		t.Error("a password is asked for, or not")
	}
}

func TestMayListen(t *testing.T) {
	user := users(t, "user u &a* (&b)").Lookup("u")
	for name, want := range map[string][2]bool{"a1": {true, false}, "a*": {true, true}, "b": {true, true}, "c": {}} {
		if user.MayListen([]byte(name), false) != want[0] || user.MayListen([]byte(name), true) != want[1] {
			t.Errorf("%s: not %v", name, want)
		}
	}
	if !users(t, "user u allchannels").Lookup("u").MayListen([]byte("x*"), true) {
		t.Error("all channels are not enough")
	}
}

func TestAuthenticate(t *testing.T) {
	all := users(t, "user two on >one >two", "user off >one", "user free on nopass", "user none on",
		"user hash on #"+strings.Repeat("0", 64))
	for _, c := range []struct {
		name, password string
		want           bool
	}{
		{"two", "one", true}, {"two", "two", true}, {"two", "three", false}, {"two", "", false}, {"off", "one", false},
		{"free", "any", true}, {"none", "", false}, {"none", "one", false}, {"nosuch", "one", false}, {"nosuch", "", false},
		{"default", "", false}, {"hash", "", false}, {"Two", "one", false},
	} {
		user := all.Authenticate([]byte(c.name), []byte(c.password))
		if (user != nil) != c.want || user != nil && (user != all.Lookup(c.name) || user.Name() != c.name) {
			t.Errorf("%s with %q: %v", c.name, c.password, user)
		}
	}
}

func TestDefaultUser(t *testing.T) {
	for _, c := range []struct {
		line          string
		initial, asks bool
	}{
		{"user app on", false, true}, {"user default on nopass", true, false}, {"user default nopass", false, false},
		{"user default on >pw", false, true},
	} {
		all := users(t, c.line)
		if initial := all.Initial(); (initial != nil) != c.initial || all.AsksPassword() != c.asks ||
			initial != nil && initial != all.Lookup("default") {
			t.Errorf("%s: initial %v, asks for a password: %v", c.line, initial, all.AsksPassword())
		}
	}
	d := users(t, "user app on").Lookup("default")
	if check(d, "PING") == "" || check(d, "AUTH x") != "" {
		t.Error("a default user that no line is about may do something")
	}
}

// TestCheckOfRepeatedDestinations: servers write to the last destination, and their own ACL looks at the first.
func TestCheckOfRepeatedDestinations(t *testing.T) {
	user := users(t, "user u on +@all ~src ~ok").Lookup("u")
	for line, allowed := range map[string]bool{
		"GEORADIUS src 1 2 3 km STORE ok": true, "GEORADIUS src 1 2 3 km STORE ok STOREDIST ok": true,
		"GEORADIUS src 1 2 3 km STORE ok STORE forbidden":             false,
		"GEORADIUS src 1 2 3 km STORE forbidden STORE ok":             false,
		"GEORADIUS src 1 2 3 km STOREDIST ok STOREDIST forbidden":     false,
		"GEORADIUSBYMEMBER src m 3 km STORE ok STORE ok STORE hidden": false,
	} {
		if got := check(user, line); (got == "") != allowed {
			t.Errorf("%s: %q", line, got)
		}
	}
}

func TestCheckAllocatesNothing(t *testing.T) {
	user := users(t, "user u on +@all -@dangerous ~app:* %R~ro:* (+get ~x)").Lookup("u")
	for _, line := range []string{"GET app:1", "SET app:1 v", "GET nothing", "MGET app:1 app:2 app:3", "COPY ro:1 app:1"} {
		args := bytesOf(strings.Fields(line))
		c := routing.Lookup(args)
		if n := testing.AllocsPerRun(100, func() { user.Check(c, args, nil) }); n != 0 {
			t.Errorf("%s: %v allocations", line, n)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	for _, rules := range []string{
		"+@all ~* &*", "+@read +@write -@dangerous ~app:*", "+@all -@dangerous ~x:* %R~y:* ~app:*",
		"+@all -@dangerous ~x?:* ~a[p]p:*", "+@read ~x:* (+@write ~y:*) (+@all ~app:*)",
	} {
		user := users(b, "user u on "+rules).Lookup("u")
		for _, line := range []string{"GET app:user:12345", "SET app:user:12345 v"} {
			args := bytesOf(strings.Fields(line))
			c := routing.Lookup(args)
			b.Run(rules+"/"+line[:3], func(b *testing.B) {
				for b.Loop() {
					user.Check(c, args, nil)
				}
			})
		}
	}
}

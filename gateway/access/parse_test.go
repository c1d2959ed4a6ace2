package access

import (
	"crypto/sha256"
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	hash := strings.Repeat("ab", 32)
	for _, c := range []struct{ line, want string }{
		{"user u", "user u off sanitize-payload resetchannels -@all"},
		{"user u on nopass ~* &* +@all", "user u on nopass sanitize-payload ~* &* +@all"},
		{"  user u ON  allkeys allchannels allcommands\r", "user u on sanitize-payload ~* &* +@all"},
		{"user u >a #" + hash, "user u off sanitize-payload #" + sumOfA + " #" + hash + " resetchannels -@all"},
		{"user u >a #" + hash + " <a", "user u off sanitize-payload #" + hash + " resetchannels -@all"},
		{"user u >a >a !" + sumOfA, "user u off sanitize-payload resetchannels -@all"},
		{"user u nopass >a", "user u off sanitize-payload #" + sumOfA + " resetchannels -@all"},
		{"user u >a nopass", "user u off nopass sanitize-payload resetchannels -@all"},
		{"user u ~a %R~b %W~c %RW~d %rw~e", "user u off sanitize-payload ~a %R~b %W~c ~d ~e resetchannels -@all"},
		{"user u %R~a %W~a", "user u off sanitize-payload ~a resetchannels -@all"},
		{"user u %R~a %W~a ~a", "user u off sanitize-payload ~a resetchannels -@all"},
		{"user u &a &b &a", "user u off sanitize-payload resetchannels &a &b -@all"},
		{"user u +get -get +config|get +config", "user u off sanitize-payload resetchannels -@all -get +config"},
		{"user u +@Read -@write +GET", "user u off sanitize-payload resetchannels -@all +@read -@write +get"},
		{"user u +select|0 +SELECT|1", "user u off sanitize-payload resetchannels -@all +select|0 +select|1"},
		{"user u +get +@all -set", "user u off sanitize-payload resetchannels +@all -set"},
		{"user u (+get ~a) (%R~b)", "user u off sanitize-payload resetchannels -@all (~a resetchannels -@all +get) " +
			"(%R~b resetchannels -@all)"},
		{"user u (+get) clearselectors (~*)", "user u off sanitize-payload resetchannels -@all (~* resetchannels -@all)"},
		{`user u ("~a*" +get)`, "user u off sanitize-payload resetchannels -@all (~a* resetchannels -@all +get)"},
		{"user u on nopass +@all ~* &* (+get) reset", "user u off sanitize-payload resetchannels -@all"},
		{"user u skip-sanitize-payload", "user u off skip-sanitize-payload resetchannels -@all"},
		{"user u +json.get -FT.search", "user u off sanitize-payload resetchannels -@all +json.get -ft.search"},
		{"user u +sentinel|masters", "user u off sanitize-payload resetchannels -@all +sentinel|masters"},
	} {
		all, err := Parse("f", []string{c.line})
		if err != nil {
			t.Errorf("%s: %v", c.line, err)
			continue
		}
		if got := all.Lookup("u").String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.line, got, c.want)
		}
	}
}

// sumOfA is the SHA-256 of "a".
const sumOfA = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"

func TestParseNamesEveryMistake(t *testing.T) {
	_, err := Parse("users.acl", []string{
		"# a comment", "", "user app on +get", "usr x", "user", "user app on", "user a\tb on", "user w +nosuch +@nosuch",
		"user v secret another", "user s (+get", "user k ~* ~a", "user c &* &a", "user h #123", "user p <a",
		"user q +config|get|x", "user r +nosuch bad -nosuch2", `user t ("x)`, "\tuser ok on\t",
	})
	const keyPattern = "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any " +
		"effect. Try 'resetkeys' to start with an empty list of patterns"
	want := []Error{
		{"users.acl", 4, "should start with user keyword followed by the username"},
		{"users.acl", 5, "should start with user keyword followed by the username"},
		{"users.acl", 6, "Duplicate user 'app' found"},
		{"users.acl", 7, "username 'a\tb' contains invalid characters"},
		{"users.acl", 8, "Error in applying operation '+nosuch': Unknown command or category name in ACL"},
		{"users.acl", 8, "Error in applying operation '+@nosuch': Unknown command or category name in ACL"},
		{"users.acl", 9, "Syntax error"},
		{"users.acl", 10, "Unmatched parenthesis in selector definition"},
		{"users.acl", 11, keyPattern},
		{"users.acl", 12, strings.NewReplacer("keys", "channels", "patterns", "channels").Replace(keyPattern)},
		{"users.acl", 13, "The password hash must be exactly 64 characters and contain only lowercase hexadecimal " +
			"characters"},
		{"users.acl", 14, "The password you are trying to remove from the user does not exist"},
		{"users.acl", 15, "Allowing first-arg of a subcommand is not supported"},
		{"users.acl", 16, "Error in applying operation '+nosuch': Unknown command or category name in ACL"},
		{"users.acl", 16, "Syntax error"},
		{"users.acl", 16, "Error in applying operation '-nosuch2': Unknown command or category name in ACL"},
		{"users.acl", 17, "Syntax error"},
	}
	got, ok := err.(Errors)
	if !ok || len(got) != len(want) {
		t.Fatalf("%d errors, want %d: %v", len(got), len(want), err)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%v, want %v", got[i], want[i])
		}
	}
	const first = "users.acl:4: should start with user keyword followed by the username; users.acl:5: "
	if !strings.HasPrefix(err.Error(), first) {
		t.Error(err)
	}
	if strings.Contains(err.Error(), "secret") {
		t.Error("a word that may be a password is shown")
	}
}

func TestUnseenCommands(t *testing.T) {
	all := users(t, "user a +json.get -FT.SEARCH +get", "user b +json.get +ts.x|y")
	if got := strings.Join(all.Unseen(), " "); got != "ft.search json.get ts.x|y" {
		t.Error(got)
	}
	for _, rule := range []string{"+.get", "+json.", "-nosuch", "+@json.x", "+json.\tx", `("+json.\x20")`,
		`("+select|0\x20")`} {
		if _, err := Parse("f", []string{"user u " + rule}); err == nil {
			t.Errorf("%s is no mistake", rule)
		}
	}
}

// FuzzParse: whatever is in the lines, what parses prints as lines that parse to the same.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"user app on >secret ~app:* %R~shared:* &events:* +@read +@write -@dangerous",
		"user u +config|get +select|0 (~a +get)",
		"# no\nuser default off\nuser b nopass -@all +@all -json.get (&* %W~x)", "user u (", `user u ("~a\x20b" '+get')`,
		"user u #" + sumOfA + " !" + sumOfA, "user  on", "user u reset %~ +| -| +@ ()",
		`user  ("+g.\x20")`, `user u ("+select|\x0a1")`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		all, err := Parse("f", strings.Split(text, "\n"))
		if (err == nil) == (all == nil) {
			t.Fatalf("%v with %v", all, err)
		}
		if err != nil {
			return
		}
		var lines []string
		for _, user := range all.sorted {
			lines = append(lines, user.String())
		}
		reparsed, err := Parse("f", lines)
		if err != nil {
			t.Fatalf("%q: %v", lines, err)
		}
		for i, user := range reparsed.sorted {
			if !reflect.DeepEqual(comparable(user), comparable(all.sorted[i])) {
				t.Errorf("%q is another user when it is reparsed: %q", lines[i], user)
			}
		}
	})
}

// comparable returns a copy of a user with one form for each meaning.
func comparable(u *User) User {
	c := *u
	c.selectors, c.passwords = nil, append([][sha256.Size]byte(nil), u.passwords...)
	for _, s := range u.selectors {
		one := *s
		if len(one.keys) == 1 && one.keys[0].String() == "*" && one.keys[0].access == readWrite {
			one.allKeys, one.keys = true, nil // "%RW~*" is printed as "~*"
		}
		one.commands.all = false // a shortcut: "+@all -get +get" is without it
		if len(one.commands.firstArgs) == 0 {
			one.commands.firstArgs = nil
		}
		if len(one.commands.rules) == 0 {
			one.commands.rules = nil
		}
		c.selectors = append(c.selectors, &one)
	}
	return c
}

package access

import (
	"strings"
	"testing"

	"evergate/routing"
)

// visible is a reply with its line ends as spaces.
func visible(reply []byte) string {
	return strings.TrimSpace(strings.ReplaceAll(string(reply), "\r\n", " "))
}

func TestAnswer(t *testing.T) {
	all := users(t, "user app on >a ~a* %R~b &c +@all -flushall (+get ~d)", "user zed off nopass")
	const appLine = "user app on sanitize-payload #" + sumOfA + " ~a* %R~b resetchannels &c +@all -flushall (~d " +
		"resetchannels -@all +get)"
	pairs := "$5 flags H2 $2 on $16 sanitize-payload $9 passwords *1 $64 " + sumOfA + " $8 commands $15 +@all -flushall " +
		"$4 keys $8 ~a* %R~b $8 channels $2 &c $9 selectors *1 S $8 commands $10 -@all +get $4 keys $2 ~d $8 channels $0"
	for _, c := range []struct{ line, resp2, resp3 string }{
		{"ACL WHOAMI", "$3 app", ""},
		{"acl users", "*3 $3 app $7 default $3 zed", ""},
		{"ACL LIST", "*3 $166 " + appLine + " $53 user default off sanitize-payload resetchannels -@all " +
			"$56 user zed off nopass sanitize-payload resetchannels -@all", ""},
		{"ACL GETUSER app", "*12 " + strings.NewReplacer("H2", "*2", " S ", " *6 ").Replace(pairs),
			"%6 " + strings.NewReplacer("H2", "~2", " S ", " %3 ").Replace(pairs)},
		{"ACL GETUSER nosuch", "$-1", "_"},
		{"ACL DRYRUN app get a", "+OK", ""},
		{"ACL DRYRUN app get x", "$49 User app has no permissions to access the 'x' key", ""},
		{"ACL DRYRUN app flushall", "$57 User app has no permissions to run the 'flushall' command", ""},
		{"ACL DRYRUN app subscribe x", "$53 User app has no permissions to access the 'x' channel", ""},
		{"ACL DRYRUN no get a", "-ERR User 'no' not found", ""},
		{"ACL DRYRUN app nosuch a", "-ERR Command 'nosuch' not found", ""},
		{"ACL DRYRUN app get", "-ERR wrong number of arguments for 'get' command", ""},
		{"ACL CAT hyperloglog", "*5 $5 pfadd $7 pfcount $7 pfdebug $7 pfmerge $10 pfselftest", ""},
		{"ACL CAT json", "*0", ""},
		{"ACL CAT nosuch", "-ERR Unknown category 'nosuch'", ""},
		{"ACL CAT a b", "-ERR unknown subcommand or wrong number of arguments for 'CAT'. Try ACL HELP.", ""},
		{"ACL GENPASS", "$64 " + strings.Repeat("5a", 32), ""},
		{"ACL GENPASS 5", "$2 5a", ""},
		{"ACL GENPASS 9", "$3 5a5", ""},
		{"ACL GENPASS 0", "-ERR ACL GENPASS argument must be the number of bits for the output password, a positive number " +
			"up to 4096", ""},
		{"ACL GENPASS x", "-ERR value is not an integer or out of range", ""},
		{"ACL SETUSER app on", "-ERR 'acl setuser' is not allowed through the gateway: its users are defined in test", ""},
		{"ACL DELUSER app", "-ERR 'acl deluser' is not allowed through the gateway: its users are defined in test", ""},
		{"ACL LOAD", "-ERR 'acl load' is not allowed through the gateway: its users are defined in test", ""},
		{"ACL SAVE", "-ERR 'acl save' is not allowed through the gateway: its users are defined in test", ""},
	} {
		q := Query{Args: bytesOf(strings.Fields(c.line)), User: all.Lookup("app"), Find: routing.Lookup,
			Random: func(b []byte) { copy(b, strings.Repeat("\x5a", len(b))) }}
		q.Command = routing.Lookup(q.Args)
		if c.resp3 == "" {
			c.resp3 = c.resp2
		}
		for proto, want := range map[uint8]string{2: c.resp2, 3: c.resp3} {
			q.Proto = proto
			if got := visible(all.Answer(&q)); got != want {
				t.Errorf("%s, RESP%d: %s\nwant %s", c.line, proto, got, want)
			}
		}
	}
	q := Query{Args: bytesOf([]string{"ACL", "HELP"}), Command: routing.Named("acl|help")}
	if got := visible(all.Answer(&q)); !strings.Contains(got, "+DRYRUN <username> <command> [<arg> ...]") {
		t.Error(got)
	}
	if !all.Defined() {
		t.Error("users of lines are not defined")
	}
}

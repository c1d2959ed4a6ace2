package access

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"evergate/gateway/resp"
	"evergate/routing"
	"evergate/testenv/servers"
)

// The server of this machine decides about the same users and requests. Random ones are of a fixed seed.

// twin is a server whose users are made of the same rules as ours.
type twin struct {
	t      *testing.T
	conn   *servers.Conn
	random *rand.Rand
	// names are the commands that both know, categories too ("@read").
	names []string
	// texts: its error texts are those of Redis 7.2 and later. prints: ACL LIST shows users as Redis 8 does.
	texts, prints bool
}

func TestServer(t *testing.T) {
	if _, err := servers.ServerBinary(); err != nil {
		t.Skip(err)
	}
	env := servers.StartPlain(t, servers.Options{})
	if !env.Version.AtLeast(7, 0) {
		t.Skip("the server has no ACL DRYRUN")
	}
	w := &twin{t: t, conn: servers.MustDial(t, env.Nodes()[0].Addr), random: rand.New(rand.NewPCG(11, 7)),
		texts: env.Version.AtLeast(7, 2), prints: env.Version.AtLeast(8, 0) && !env.Version.Valkey}
	w.learnNames()
	t.Run("wrong rules", func(t *testing.T) { w.t = t; w.wrongRules() })
	t.Run("given", func(t *testing.T) { w.t = t; w.given() })
	t.Run("random", func(t *testing.T) { w.t = t; w.randomUsers() })
	t.Run("errors", func(t *testing.T) { w.t = t; w.compareErrors(env.Nodes()[0].Addr) })
	t.Run("categories", func(t *testing.T) { w.t = t; w.compareCategories() })
}

func (w *twin) do(args ...string) string {
	reply, err := w.conn.Do(args...)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(reply)
}

func (w *twin) learnNames() {
	for _, c := range routing.Rows() {
		if w.do("ACL", "SETUSER", "probe", "+"+c.Name) == "+OK\r\n" {
			w.names = append(w.names, c.Name)
		}
	}
	slices.Sort(w.names) // the rows' order is that of a hash table
	if len(w.names) < 300 {
		w.t.Fatalf("both know only %d commands", len(w.names))
	}
	w.do("ACL", "DELUSER", "probe")
}

// set gives the user "u" of both sides these rules.
func (w *twin) set(rules string) *Users {
	line := append([]string{"ACL", "SETUSER", "u", "reset"}, strings.Fields(rules)...)
	if reply := w.do(line...); reply != "+OK\r\n" {
		w.t.Fatalf("%s: the server says %s", rules, reply)
	}
	users, err := Parse("test", []string{"user default on nopass ~* &* +@all", "user u " + rules})
	if err != nil {
		w.t.Fatalf("%s: %v", rules, err)
	}
	return users
}

// query is an ACL command on our side.
func (w *twin) query(users *Users, args ...string) string {
	q := Query{Args: bytesOf(args), Proto: 2, User: users.Lookup("default"), Find: routing.Lookup}
	q.Command = routing.Lookup(q.Args)
	return string(users.Answer(&q))
}

func bytesOf(words []string) (args [][]byte) {
	for _, word := range words {
		args = append(args, []byte(word))
	}
	return args
}

// compare lets both decide about a request.
func (w *twin) compare(users *Users, rules, line string) (allowed bool) {
	args := append([]string{"ACL", "DRYRUN", "u"}, strings.Fields(line)...)
	want, got := w.do(args...), w.query(users, args...)
	switch {
	case strings.HasPrefix(want, "-ERR Command"), strings.HasPrefix(want, "-ERR wrong number"):
		return false // an older server: it lacks the command, or takes other arguments
	case strings.HasPrefix(strings.ToLower(line), "pfmerge") && len(args) == 5:
		return false // servers overlook its key if there is no second one
	}
	if !w.texts {
		got = shorter(got)
	}
	if !strings.EqualFold(got, want) { // the vector sets' names are in upper case there
		w.t.Errorf("user u %s\n%s: %q, the server says %q", rules, line, got, want)
	}
	return want == "+OK\r\n"
}

// shorter rewrites a reply as Redis 7.0 has it.
func shorter(reply string) string {
	text, ok := resp.String([]byte(reply))
	if !ok || !bytes.HasPrefix(text, []byte("User u")) {
		return reply
	}
	return string(resp.AppendBulkString(nil, "This user"+string(text[len("User u"):])))
}

// compareTexts compares how both print the user.
func (w *twin) compareTexts(users *Users, rules string) {
	if !w.prints {
		return
	}
	for _, args := range [][]string{{"ACL", "LIST"}, {"ACL", "GETUSER", "u"}, {"ACL", "USERS"}} {
		if want, got := w.do(args...), w.query(users, args...); got != want {
			w.t.Errorf("user u %s\n%v: %q, the server says %q", rules, args, got, want)
		}
	}
}

func (w *twin) wrongRules() {
	for _, rules := range []string{
		"+nosuch", "-nosuch", "+@nosuch", "-@", "+", "-", "+@", "+config|nosuch", "+config|get|x", "-config|get|x", "-get|x",
		"+get|", "+|x", "nonsense", "~* ~a", "allkeys %R~a", "&* &a", "allchannels &a", "%~a", "%X~a", "%RR~a", "%", "<no",
		"!" + strings.Repeat("0", 64), "#abc", "#" + strings.Repeat("A", 64), "!x", "#" + strings.Repeat("g", 64), "(on)",
		"(nopass)", "(>x)", "(~* ~a)", "(+nosuch)", "(", "(+get", ")", "()x", "+select|0|1", "config", "@read", "+get,",
		"+post", "+host:", "reset2", "+config|",
	} {
		reply := w.do(append([]string{"ACL", "SETUSER", "w", "reset"}, strings.Fields(rules)...)...)
		_, err := Parse("f", []string{"user w " + rules})
		if (err != nil) != strings.HasPrefix(reply, "-") {
			w.t.Errorf("%s: %v, the server says %q", rules, err, reply)
			continue
		}
		if err == nil {
			continue
		}
		text := err.(Errors)[0].Text
		text = text[max(0, strings.LastIndex(text, "': ")+3)*min(1, strings.Count(text, "applying")):]
		if !strings.Contains(reply, text) && !strings.Contains(reply, "Unmatched parenthesis") {
			w.t.Errorf("%s: %q, the server says %q", rules, text, reply)
		}
	}
}

// given are users and requests of which each is about one rule of the ACL.
func (w *twin) given() {
	for rules, lines := range map[string][]string{
		"on nopass +@all ~app:* %R~ro:* %W~wo:* &news.*": {
			"GET app:1", "GET other", "GET ro:1", "GET wo:1", "SET ro:1 v", "SET wo:1 v", "SET wo:1 v GET", "STRLEN wo:1",
			"COPY ro:1 wo:1", "COPY wo:1 ro:1", "RENAME ro:1 wo:1", "MGET app:1 ro:1 wo:1", "EVAL s 2 app:1 ro:1",
			"EVAL_RO s 1 ro:1", "EVAL s 0", "SORT ro:1 STORE wo:1", "SORT ro:1 BY x* GET y*", "XREAD STREAMS ro:1 wo:1 0 0",
			"XREADGROUP GROUP g c STREAMS ro:1 0", "BITFIELD ro:1 GET u8 0", "BITFIELD ro:1 SET u8 0 1", "GEOADD wo:1 1 1 m",
			"GEORADIUS ro:1 1 1 1 m STORE wo:1", "GEORADIUS ro:1 1 1 1 m STORE ro:2", "ZUNIONSTORE wo:1 2 ro:1 app:1",
			"BITOP AND wo:1 ro:1", "SUBSCRIBE news.a", "SUBSCRIBE news.a x", "PSUBSCRIBE news.*", "PSUBSCRIBE news.a*",
			"PUBLISH news.a m", "PUBLISH x news.a", "SPUBLISH x m", "SSUBSCRIBE news.1 x", "UNSUBSCRIBE x", "PUBSUB CHANNELS x",
			"MIGRATE h 1 ro:1 0 1", "OBJECT ENCODING x", "MEMORY USAGE wo:1", "LMPOP 2 app:1 ro:1 LEFT", "WATCH ro:1 wo:1",
			"ZMPOP 1 wo:1 MIN", "SINTERCARD 2 ro:1 x", "BLPOP app:1 ro:1 0", "FCALL f 1 ro:1", "DEL wo:1", "EXISTS wo:1",
			"GETEX app:1", "PFCOUNT ro:1 app:1", "PFMERGE app:1 ro:1", "TOUCH x", "SCAN 0", "KEYS *", "RANDOMKEY", "DBSIZE",
		},
		"-@all +config|get +select|0 +select|1 +object (~a* +get +@hash) (%R~b* +mget +set)": {
			"CONFIG GET x", "CONFIG SET a b", "SELECT 0", "SELECT 1", "SELECT 2", "OBJECT HELP", "OBJECT FREQ a", "GET a",
			"GET b", "MGET b b1", "MGET b a", "SET b v", "HSET a f v", "HSET b f v", "AUTH x", "HELLO", "RESET", "QUIT",
			"PING", "ACL WHOAMI",
		},
		"+@all -@dangerous -config +config|get ~*": {
			"FLUSHALL", "KEYS *", "CONFIG GET a", "CONFIG SET a b", "INFO", "SORT a", "CLIENT KILL x", "CLIENT ID", "ACL WHOAMI",
		},
		"+@read -get +acl|whoami +acl allkeys": {"GET a", "MGET a", "ACL LIST", "ACL WHOAMI", "DUMP a", "SUBSCRIBE a"},
		"+select|0 +select -select +select|1":  {"SELECT 0", "SELECT 1"},
		"+get +@all -@all +set resetkeys ~a":   {"SET a v", "GET a", "SET b v"},
	} {
		users := w.set(rules)
		w.compareTexts(users, rules)
		for _, line := range lines {
			w.compare(users, rules, line)
		}
	}
}

func (w *twin) pick(from ...string) string { return from[w.random.IntN(len(from))] }

func (w *twin) randomRule(inSelector bool) string {
	patterns := []string{"a*", "b*", "ab", "?b*", "[ab]1", "a[^1]*", "*1", `a\*`, "", "app:*", "b?", "*a*b*", "**"}
	switch n := w.random.IntN(16); {
	case n < 4:
		return w.pick("~", "%R~", "%W~", "%RW~", "%wr~") + w.pick(patterns...)
	case n < 6:
		return "&" + w.pick(patterns...)
	case n < 8:
		return w.pick("+", "-") + "@" + w.pick(routing.Categories...)
	case n < 12:
		return w.pick("+", "-") + w.pick(w.names...)
	case n == 12:
		return w.pick("+select|0", "+SELECT|1", "+get|a", "+config|GET", "+ping|x")
	case n == 13:
		return w.pick("resetkeys", "resetchannels", "+@all", "-@all", "allcommands", "nocommands", "+ALLCOMMANDS"[1:])
	case n == 14 && !inSelector:
		rules := "(" + w.randomRule(true)
		for range w.random.IntN(5) {
			rules += " " + w.randomRule(true)
		}
		return rules + ")"
	case n == 15 && !inSelector:
		return w.pick("on", "off", "nopass", "resetpass", ">pw1", ">pw2", "clearselectors", "sanitize-payload",
			"skip-sanitize-payload")
	}
	return w.pick("resetkeys", "resetchannels")
}

// randomRequest is a request for any command. Those whose keys have no fixed positions have forms of their own.
func (w *twin) randomRequest() string {
	key := func() string { return w.pick("a1", "b1", "ab", "a", "b", "app:1", "a*", "xa1b", "a2", "zz") }
	if w.random.IntN(3) == 0 {
		form := w.pick("EVAL s 2 K K x", "EVALSHA s 1 K", "FCALL f 1 K", "FCALL_RO f 2 K K", "ZUNIONSTORE K 2 K K",
			"ZINTER 2 K K", "ZDIFFSTORE K 1 K", "LMPOP 2 K K LEFT", "BLMPOP 0 1 K LEFT", "ZMPOP 2 K K MIN", "SINTERCARD 2 K K",
			"XREAD COUNT 1 STREAMS K K 0 0", "XREADGROUP GROUP g c STREAMS K >", "SORT K", "SORT K STORE K", "SORT_RO K",
			"GEORADIUS K 1 1 1 m", "GEORADIUS K 1 1 1 m STORE K", "GEORADIUSBYMEMBER K m 1 m STOREDIST K", "SET K v GET",
			"SET K v EX 1", "BITFIELD K GET u8 0", "BITFIELD K INCRBY u8 0 1", "COPY K K", "SMOVE K K m", "LMOVE K K LEFT LEFT",
			"RENAME K K", "BITOP OR K K K", "GEOSEARCHSTORE K K FROMMEMBER m BYRADIUS 1 m", "ZRANGESTORE K K 0 1",
			"PFMERGE K K K", "SELECT 0", "SELECT 1", "CONFIG GET K", "SUBSCRIBE K K", "PSUBSCRIBE K", "PUBLISH K K",
			"SPUBLISH K K", "SSUBSCRIBE K", "PING x")
		words := strings.Fields(form)
		for i := range words {
			if words[i] == "K" {
				words[i] = key()
			}
		}
		return strings.Join(words, " ")
	}
	name := w.pick(w.names...)
	c := routing.InRules(name)
	words := strings.Split(name, "|")
	if c.Form != routing.Ranged {
		return "GET " + key()
	}
	for len(words) < max(c.Arity, -c.Arity) {
		words = append(words, key())
	}
	for range w.random.IntN(3) {
		if c.Arity < 0 {
			words = append(words, key())
		}
	}
	return strings.Join(words, " ")
}

func (w *twin) randomUsers() {
	allowed, denied := 0, 0
	for range 400 {
		rules := w.pick("on", "-@all", "+@all", "+@all ~*", "~* &* +@read", "+@write allkeys")
		for range w.random.IntN(8) {
			next := rules + " " + w.randomRule(false)
			if _, err := Parse("f", []string{"user u " + next}); err == nil {
				rules = next
			}
		}
		users := w.set(rules)
		w.compareTexts(users, rules)
		for range 25 {
			if w.compare(users, rules, w.randomRequest()) {
				allowed++
			} else {
				denied++
			}
		}
	}
	if allowed < 1000 || denied < 1000 {
		w.t.Errorf("only %d allowed and %d denied requests", allowed, denied)
	}
}

// compareErrors sends requests as the user, and compares the errors.
func (w *twin) compareErrors(addr string) {
	if !w.texts {
		w.t.Skip("the server's texts are older")
	}
	for rules, lines := range map[string][]string{
		"on >pw -@all +get +sort +sort_ro +publish ~a* &a* (+sort %R~* ~z)": {
			"GET a", "GET b", "SET a v", "CONFIG GET x", "PUBLISH a m", "PUBLISH b m", "SORT a BY x* GET y*",
			"SORT b BY x* STORE z",
			"SORT a BY x", "SORT a GET #", "SORT a LIMIT 0 1 ASC BY nosort GET y", "SORT a NONSENSE BY x*", "SORT_RO a GET #",
			"SORT_RO a BY x", "SORT b", "SORT_RO a STORE z GET #", "SORT a ALPHA DESC STORE ab GET",
		},
		"on >pw ~a* +@all":  {"SORT a BY x*", "SORT a BY x", "SORT a ASC GET y", "SORT b GET #", "EVAL x 1 b"},
		"on >pw %R~* +@all": {"SORT a BY x* GET #", "SORT a STORE b", "SET b v", "PSUBSCRIBE a", "SSUBSCRIBE b"},
	} {
		users := w.set(rules)
		conn := servers.MustDial(w.t, addr)
		if reply, err := conn.Do("AUTH", "u", "pw"); err != nil || string(reply) != "+OK\r\n" {
			w.t.Fatalf("%q %v", reply, err)
		}
		for _, line := range lines {
			words := strings.Fields(line)
			args := bytesOf(words)
			c, user := routing.Lookup(args), users.Lookup("u")
			reply, err := conn.Do(words...)
			if err != nil {
				w.t.Fatal(err)
			}
			_, denied := user.Check(c, args, nil)
			want := strings.HasPrefix(string(reply), "-NOPERM") || strings.Contains(string(reply), "ACL permissions")
			if got := denied.AppendError(nil, user, c); want != (denied.Reason != Allowed) ||
				want && string(got) != string(reply) {
				w.t.Errorf("user u %s\n%s: %q, the server says %q", rules, line, got, reply)
			}
		}
	}
}

// compareCategories compares the commands in each category, of those that both know.
func (w *twin) compareCategories() {
	users := w.set("on")
	if got, want := w.query(users, "ACL", "CAT"), w.do("ACL", "CAT"); got != want {
		w.t.Errorf("the categories are %q, the server says %q", got, want)
	}
	for _, category := range routing.Categories {
		got, want := w.namesIn(w.query(users, "ACL", "CAT", category)), w.namesIn(w.do("ACL", "CAT", category))
		if fmt.Sprint(got) != fmt.Sprint(want) {
			w.t.Errorf("@%s: %v, the server says %v", category, got, want)
		}
	}
	for _, args := range [][]string{
		{"ACL", "CAT", "nosuch"}, {"ACL", "GETUSER", "nosuch"}, {"ACL", "DRYRUN", "no", "get", "a"},
		{"ACL", "DRYRUN", "u", "nosuch"}, {"ACL", "DRYRUN", "u", "get"}, {"ACL", "CAT", "read", "x"}, {"ACL", "WHOAMI"},
		{"ACL", "GENPASS", "x"}, {"ACL", "GENPASS", "0"}, {"ACL", "GENPASS", "4097"}, {"ACL", "GENPASS", "1", "2"},
		{"ACL", "DRYRUN", "u", "config"}, {"ACL", "DRYRUN", "u", "config", "nosuch"}, {"ACL", "USERS"},
	} {
		if got, want := w.query(users, args...), w.do(args...); w.texts && got != want {
			w.t.Errorf("%v: %q, the server says %q", args, got, want)
		}
	}
}

func (w *twin) namesIn(reply string) (names []string) {
	elements, _ := resp.Elements([]byte(reply))
	for _, e := range elements {
		name, _ := resp.String(e)
		// Servers before Redis 7.2 have WAIT in fewer categories.
		if slices.Contains(w.names, string(name)) && (w.texts || string(name) != "wait") {
			names = append(names, string(name))
		}
	}
	slices.Sort(names)
	return names
}

package facade

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"evergate/gateway/resp"
	"evergate/routing"
)

var rewrite = flag.Bool("rewrite", false, "write what is answered into testdata; a person reads the diff")

// successor is where the clients of the listener "moving" of testdata/answers.txt move.
var successor = Address{"10.0.0.2", 6379}

// The listeners of testdata/answers.txt.
var roles = map[string]*Role{
	"cluster": {Kind: Cluster, Self: Address{"10.0.0.1", 6379}},
	"moving":  {Kind: Cluster, Self: Address{"10.0.0.1", 6379}},
	"named":   {Kind: Cluster, Self: Address{"gate.example.com", 60000}},
	"ipv6":    {Kind: Cluster, Self: Address{"2001:db8::1", 6379}},
	"replica": {Kind: Replica, Self: Address{"10.0.0.1", 6380}, Primary: Address{"10.0.0.1", 6379}},
	"plain":   nil,
	"sentinel": {Kind: Sentinel, Self: Address{"10.0.0.1", 26379}, Masters: []Master{
		{Name: "carts", Addr: Address{"10.0.0.1", 6379}, Replicas: []Address{{"10.0.0.1", 6380}, {"2001:db8::1", 6381}}},
		{Name: "jobs", Addr: Address{"gate.example.com", 6382}},
	}},
}

// TestAnswers sends the commands of testdata/answers.txt: "LISTENER RESPn: COMMAND", and the lines of the reply.
func TestAnswers(t *testing.T) {
	const path = "testdata/answers.txt"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for stanza := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n\n") {
		question, _, _ := strings.Cut(stanza, "\n")
		head, command, found := strings.Cut(question, ": ")
		name, version, _ := strings.Cut(head, " RESP")
		role, known := roles[name]
		if !found || !known || version != "2" && version != "3" {
			t.Fatalf("%q is no question", question)
		}
		reply := answer(role, int(version[0]-'0'), command)
		whole(t, question, reply)
		reply = strings.TrimSuffix(strings.ReplaceAll(reply, "\r\n", "\n"), "\n")
		reply = strings.ReplaceAll(reply+"\n", "\n\n", "\n(an empty line)\n")
		if got.Len() > 0 {
			got.WriteString("\n")
		}
		fmt.Fprintf(&got, "%s\n%s", question, reply)
	}
	if *rewrite {
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if got.String() != string(text) {
		t.Errorf("answered otherwise (-rewrite writes this):\n%s", got.String())
	}
}

func answer(f *Role, proto int, command string) string {
	var args [][]byte
	for _, word := range strings.Fields(command) {
		args = append(args, []byte(word))
	}
	switch word := strings.ToLower(string(args[0])); word {
	case "cluster":
		to := Address{}
		if f == roles["moving"] {
			to = successor
		}
		return string(f.Cluster(proto, routing.Lookup(args).ID, args, to))
	case "sentinel":
		return string(f.Sentinel(proto, args))
	case "role":
		return string(f.AppendRole(nil))
	case "info":
		return string(resp.AppendBulk(nil, f.AppendMasters(nil)))
	}
	return string(resp.AppendBulkString(nil, f.Mode()+"/"+f.Role()))
}

// whole checks that a reply is exactly one frame.
func whole(t *testing.T, question, reply string) {
	t.Helper()
	var s resp.ReplyScanner
	if n, done, err := s.Scan([]byte(reply)); err != nil || !done || n != len(reply) {
		t.Errorf("%s: %q is not one frame: %d bytes, %v, %v", question, reply, n, done, err)
	}
}

func TestOneIDForOneAddress(t *testing.T) {
	a, b := Address{"10.0.0.1", 6379}, Address{"10.0.0.1", 6380}
	if a.id("node") != (Address{"10.0.0.1", 6379}).id("node") || a.id("node") == b.id("node") ||
		a.id("node") == a.id("shard") || len(a.id("node")) != 40 {
		t.Error(a.id("node"), b.id("node"), a.id("shard"))
	}
}

func words(text string) [][]byte {
	var args [][]byte
	for _, word := range strings.Fields(text) {
		args = append(args, []byte(word))
	}
	return args
}

func do(s *Subscriptions, proto int, line string) []byte {
	args := words(line)
	return s.Do(proto, routing.Lookup(args), args)
}

func TestSubscriptionsAreBounded(t *testing.T) {
	var s Subscriptions
	const refused = "-ERR too many or too long subscriptions for a Sentinel\r\n"
	if got := string(do(&s, 2, "SUBSCRIBE ok "+strings.Repeat("x", channelBytesMax+1))); got != refused || s.Any() {
		t.Errorf("a long channel: %.100q, %d channels", got, s.Channels())
	}
	for i := range subscriptionsMax {
		if got := string(do(&s, 2, fmt.Sprintf("PSUBSCRIBE c%d", i))); got == refused {
			t.Fatalf("refused after %d", i)
		}
	}
	if got := string(do(&s, 3, "SUBSCRIBE one")); got != refused || s.Patterns() != subscriptionsMax {
		t.Errorf("one too many: %.100q, %d patterns", got, s.Patterns())
	}
	if got := string(do(&s, 3, "SUBSCRIBE")); got != "-ERR wrong number of arguments for 'subscribe' command\r\n" {
		t.Error(got)
	}
	do(&s, 3, "PUNSUBSCRIBE")
	if s.Any() {
		t.Error("still listens")
	}
}

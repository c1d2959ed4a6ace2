package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"evergate/testenv/servers"
)

// transcript is a file of commands, one a line, of words; a word in quotes is a Go string. The same lines go to two
// addresses, and every reply must be the same, byte by byte.
type transcript struct {
	name     string
	commands [][]string
	// differs are the commands whose replies need not be the same; see testdata/compat/differs.txt.
	differs map[string]bool
}

// delivery is a way to send commands, and reads the reply of each.
type delivery func(c *servers.Conn, commands [][]string) ([][]byte, error)

// deliveries has all ways, by name.
var deliveries = map[string]delivery{
	"one at a time": sendOneByOne,
	"in one write":  sendAtOnce,
	"in pieces":     sendInPieces,
	"byte by byte":  sendByteByByte,
	"inline":        sendInline,
}

func sendOneByOne(c *servers.Conn, commands [][]string) ([][]byte, error) {
	var replies [][]byte
	for _, command := range commands {
		reply, err := c.Do(command...)
		if err != nil {
			return replies, fmt.Errorf("%s: %w", brief(command), err)
		}
		replies = append(replies, reply)
	}
	return replies, nil
}

func sendAtOnce(c *servers.Conn, commands [][]string) ([][]byte, error) {
	return sendRaw(c, commands, c.SendRaw)
}

// sendInPieces cuts at the same places in every run.
func sendInPieces(c *servers.Conn, commands [][]string) ([][]byte, error) {
	dice := rand.New(rand.NewPCG(1, 2))
	return sendRaw(c, commands, func(all []byte) error {
		for len(all) > 0 {
			n := min(1+dice.IntN(1+len(all)/50), len(all))
			if err := c.SendRaw(all[:n]); err != nil {
				return err
			}
			all = all[n:]
		}
		return nil
	})
}

func sendByteByByte(c *servers.Conn, commands [][]string) ([][]byte, error) {
	return sendRaw(c, commands, c.SendSlowly)
}

func sendRaw(c *servers.Conn, commands [][]string, write func([]byte) error) ([][]byte, error) {
	encode := func(b []byte, command []string) []byte { return servers.AppendCommand(b, command...) }
	return sendEncoded(c, commands, encode, write)
}

// sendEncoded sends the commands as one pipeline, or as few pipelines as the server can handle.
func sendEncoded(c *servers.Conn, commands [][]string, encode func([]byte, []string) []byte, write func([]byte) error,
) ([][]byte, error) {
	var replies [][]byte
	for _, pipeline := range pipelines(commands) {
		var all []byte
		for _, command := range pipeline {
			all = encode(all, command)
		}
		got, err := sendBytes(c, pipeline, all, write)
		replies = append(replies, got...)
		if err != nil {
			return replies, err
		}
	}
	return replies, nil
}

// pipelines makes each AUTH begin a new pipeline for servers that do not answer a failed one after a reply that is not
// written yet (addAuthErrReply in acl.c since Redis 7.2).
func pipelines(commands [][]string) [][][]string {
	all, begin := [][][]string{}, 0
	for i, command := range commands {
		if forgetsFailedAuth() && i > begin && slices.ContainsFunc(command, isAuth) {
			all, begin = append(all, commands[begin:i]), i
		}
	}
	return append(all, commands[begin:])
}

func isAuth(word string) bool { return strings.EqualFold(word, "auth") }

// sendBytes writes in a goroutine of its own: replies must be read meanwhile, or both sides would wait.
func sendBytes(c *servers.Conn, commands [][]string, all []byte, write func([]byte) error) ([][]byte, error) {
	written := make(chan error, 1)
	go func() { written <- write(all) }()
	var replies [][]byte
	for _, command := range commands {
		reply, err := c.Frame()
		if err != nil {
			return replies, errors.Join(fmt.Errorf("%s: %w", brief(command), err), c.Close(), <-written)
		}
		replies = append(replies, reply)
	}
	return replies, <-written
}

// sendInline writes the commands as lines, as a person at a terminal does.
func sendInline(c *servers.Conn, commands [][]string) ([][]byte, error) {
	return sendEncoded(c, commands, func(b []byte, command []string) []byte {
		for i, word := range command {
			if i > 0 {
				b = append(b, ' ')
			}
			b = servers.AppendInlineWord(b, word)
		}
		return append(b, "\r\n"...)
	}, c.SendRaw)
}

// readTranscripts reads testdata/compat/NAME.txt.
func readTranscripts(t *testing.T, names ...string) []transcript {
	t.Helper()
	var all []transcript
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join("testdata", "compat", name+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		tr := transcript{name: name}
		for line := range strings.Lines(string(text)) {
			line = strings.TrimSpace(line)
			if line == "" || line[0] == '#' {
				continue
			}
			words, err := splitWords(line)
			if err != nil {
				t.Fatalf("%s: %q: %v", name, line, err)
			}
			tr.commands = append(tr.commands, words)
		}
		all = append(all, tr)
	}
	return all
}

// differing returns the commands of differs.txt for a topology behind the gateway.
func differing(t *testing.T, behind string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "compat", "differs.txt"))
	if err != nil {
		t.Fatal(err)
	}
	differs := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if line[0] == '#' {
			continue
		}
		fields := strings.SplitN(line, "|", 3)
		if len(fields) < 3 || strings.TrimSpace(fields[2]) == "" {
			t.Fatalf("differs.txt: %q has no reason", line)
		}
		words, err := splitWords(fields[1])
		if err != nil {
			t.Fatal(err)
		}
		if where := strings.TrimSpace(fields[0]); where == behind || where == "always" ||
			where == "valkey" && onValkey() {
			differs[fmt.Sprint(words)] = true
		}
	}
	return differs
}

// splitWords splits a line into words, "quoted words" and big:N words.
func splitWords(line string) ([]string, error) {
	var words []string
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
		if line[0] == '"' {
			quoted, err := strconv.QuotedPrefix(line)
			if err != nil {
				return nil, err
			}
			word, err := strconv.Unquote(quoted)
			if err != nil {
				return nil, err
			}
			words, line = append(words, word), line[len(quoted):]
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		if size, big := strings.CutPrefix(word, "big:"); big {
			digits := len(size) - len(strings.TrimLeft(size, "0123456789"))
			n, err := strconv.Atoi(size[:digits])
			if err != nil {
				return nil, err
			}
			word = strings.Repeat("evergate", n/8+1)[:n] + size[digits:]
		}
		words, line = append(words, word), rest
	}
	return words, nil
}

// brief returns a command or a reply, shortened for an error.
func brief(command []string) string {
	text := fmt.Sprintf("%q", command)
	if len(text) > 200 {
		return text[:200] + "..."
	}
	return text
}

// hello switches to a protocol. The reply has the connection's ID and the server's version, so it is not compared.
func hello(t *testing.T, c *servers.Conn, protocol int) {
	t.Helper()
	if protocol == 2 {
		return
	}
	reply, err := c.Do("HELLO", strconv.Itoa(protocol))
	if err != nil || !bytes.HasPrefix(reply, []byte("%")) {
		t.Fatalf("HELLO %d: %q, %v", protocol, reply, err)
	}
}

// compareReplies sends a transcript to two addresses in one way and compares each reply.
func compareReplies(t *testing.T, tr transcript, protocol int, send delivery, straight, through string) {
	t.Helper()
	var replies [2][][]byte
	var took time.Duration
	for i, addr := range []string{straight, through} {
		c, err := servers.Dial(addr)
		if err != nil {
			t.Fatal(err)
		}
		c.Timeout = 20 * time.Second
		hello(t, c, protocol)
		begun := time.Now()
		replies[i], err = send(c, tr.commands)
		took = max(took, time.Since(begun))
		_ = c.Close()
		if err != nil {
			t.Errorf("%s, RESP%d, %s: %v", tr.name, protocol, addr, err)
		}
	}
	for i := range min(len(replies[0]), len(replies[1])) {
		if tr.name == "newer" && bytes.HasPrefix(replies[0][i], []byte("-ERR unknown ")) {
			continue // it does not know the command; the gateway may
		}
		if !sameReplies(tr.commands[i], replies[0][i], replies[1][i], took) && !tr.differs[fmt.Sprint(tr.commands[i])] {
			t.Errorf("%s, RESP%d, %s\nstraight %s\nthrough  %s", tr.name, protocol, brief(tr.commands[i]),
				brief([]string{string(replies[0][i])}), brief([]string{string(replies[1][i])}))
		}
	}
}

// sameReplies reports whether two servers gave the same reply to a command, when the transcript took at most this long
// on each. TTL counts down meanwhile.
func sameReplies(command []string, one, other []byte, took time.Duration) bool {
	one, other = inWordsOf7(one), inWordsOf7(other)
	if command[0] == "TTL" {
		a, errA := strconv.Atoi(strings.Trim(string(one), ":\r\n"))
		b, errB := strconv.Atoi(strings.Trim(string(other), ":\r\n"))
		if errA == nil && errB == nil && a > 0 && b > 0 {
			return max(a-b, b-a) <= int((took+time.Second-1)/time.Second)
		}
	}
	return bytes.Equal(one, other)
}

func TestTTLCountsDownBetweenReplies(t *testing.T) {
	for _, c := range []struct {
		command, one, other string
		took                time.Duration
		same                bool
	}{
		{"TTL", ":99\r\n", ":100\r\n", time.Second / 2, true}, {"TTL", ":98\r\n", ":100\r\n", time.Second, false},
		{"TTL", ":100\r\n", ":98\r\n", time.Second + 1, true}, {"TTL", ":-1\r\n", ":-2\r\n", time.Minute, false},
		{"TTL", ":1\r\n", ":-2\r\n", time.Minute, false}, {"GET", ":99\r\n", ":100\r\n", time.Minute, false},
	} {
		if sameReplies([]string{c.command, "k"}, []byte(c.one), []byte(c.other), c.took) != c.same {
			t.Errorf("%+v: not so", c)
		}
	}
}

// serverVersion returns the version line of the server under test: "Redis server v=7.0.15 ...".
var serverVersion = sync.OnceValue(func() string {
	binary, err := servers.ServerBinary()
	if err != nil {
		return ""
	}
	out, _ := exec.Command(binary, "--version").Output()
	return string(out)
})

// onValkey reports whether the server under test is a Valkey.
func onValkey() bool { return strings.HasPrefix(serverVersion(), "Valkey") }

// before7 reports whether the server under test is older than Redis 7, whose error texts the gateway uses.
func before7() bool { return strings.Contains(serverVersion(), " v=6.") }

// forgetsFailedAuth reports whether the server is Redis 7.2 or newer, or Valkey; see pipelines.
func forgetsFailedAuth() bool { return !before7() && !strings.Contains(serverVersion(), " v=7.0.") }

var errorWords = regexp.MustCompile(`(?m)^(-[A-Z]+) [^\r\n]*`)

// valkeyWords maps error texts of Valkey 9 to those of Redis.
var valkeyWords = map[string]string{
	"-ERR Command 'multi' not allowed inside a transaction\r\n": "-ERR MULTI calls can not be nested\r\n",
	"-ERR Command 'watch' not allowed inside a transaction\r\n": "-ERR WATCH inside MULTI is not allowed\r\n",
}

// inWordsOf7 reduces the errors in replies to their prefixes if the texts of an older server differ, and replaces
// Valkey's texts by Redis's.
func inWordsOf7(reply []byte) []byte {
	if words := valkeyWords[string(reply)]; words != "" {
		return []byte(words)
	}
	if !before7() {
		return reply
	}
	return errorWords.ReplaceAll(reply, []byte("$1"))
}

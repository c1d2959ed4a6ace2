package lint

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/token"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"evergate/gateway/session"
	"evergate/routing"
)

// docs/reference/errors.md is generated from the table in errors_table_test.go, which is compared with the sources.

var rewrite = flag.Bool("rewrite", false, "write docs/reference/errors.md; a person reads the diff")

const errorsPage = "docs/reference/errors.md"

func TestErrorsPageIsMadeFromItsTable(t *testing.T) {
	want := renderErrors()
	if *rewrite {
		if err := os.WriteFile("../../"+errorsPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if checkoutFile(t, errorsPage) != want {
		t.Errorf("%s is not what its table says: go test -run ErrorsPage ./testenv/lint -rewrite", errorsPage)
	}
}

func renderErrors() string {
	var b strings.Builder
	b.WriteString(errorsIntro)
	for _, s := range errorSections {
		fmt.Fprintf(&b, "\n## %s\n\n", s.prefix)
		if s.about != "" {
			b.WriteString(s.about + "\n\n")
		}
		fmt.Fprintf(&b, "| redis-py | ioredis | go-redis | Jedis |\n|---|---|---|---|\n| %s | %s | %s | %s |\n\n",
			s.raised.redisPy, s.raised.ioredis, s.raised.goRedis, s.raised.jedis)
		b.WriteString("| error | executed | when | what to do |\n|---|---|---|---|\n")
		for _, a := range s.texts {
			cells := fmt.Sprintf("`%s`\x00%s\x00%s\x00%s", a.text, a.executed, a.when+a.raised.otherwise(), a.advice)
			b.WriteString("| " + strings.NewReplacer("|", `\|`, "\x00", " | ").Replace(cells) + " |\n")
		}
	}
	b.WriteString(closedIntro)
	for _, reason := range closeReasons() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", reason, closed[reason])
	}
	return b.String()
}

// otherwise returns how single libraries treat a text that they know.
func (r raised) otherwise() string {
	text := ""
	for _, l := range [][2]string{{"redis-py", r.redisPy}, {"ioredis", r.ioredis}, {"go-redis", r.goRedis},
		{"Jedis", r.jedis}} {
		if l[1] != "" {
			text += "; " + l[0] + ": " + l[1]
		}
	}
	return text
}

const errorsIntro = `# Errors

This page lists every error that the gateway itself replies with. A text with "evergate:" or "this gateway" in it never
comes from a server.

The gateway passes on the errors of servers (WRONGTYPE, OOM, MISCONF, NOPERM, NOSCRIPT, ...) as they are. It handles
redirections and temporary rejections (MOVED, ASK, READONLY, LOADING, MASTERDOWN, CLUSTERDOWN) itself and never passes
them on. While a server replies BUSY because of a long-running script, a request waits for as long as it would wait for
a primary, and then fails with that BUSY.

"Executed": whether the command changed, or could have changed, anything on a server. Angle brackets mark variables.
The libraries are redis-py 8.1, ioredis 6.0, go-redis 9.23 and Jedis 8.0 (beta) with their defaults, as plain
(not cluster) clients. One text of each prefix was tried with redis-py (5.2, 7.1 and 8.1) and ioredis; a test tries
every text with go-redis; for Jedis the source was read. redis-py removes a known prefix from the text of the exception.

Two libraries retry whole pipelines: redis-py if any command fails with LOADING, go-redis if the first one fails with
LOADING or TRYAGAIN. Commands of the pipeline that were already executed are executed again. To prevent that, set
"retry=Retry(NoBackoff(), 0)" in redis-py, "MaxRetries: -1" in go-redis.
`

const closedIntro = `
## Connections closed without an error

All four libraries reconnect by themselves. redis-py 6 and later retries the command without a reply, ioredis retries
all of them ("autoResendUnfulfilledCommands"), go-redis retries up to 3 times, Jedis throws a JedisConnectionException.
Therefore the gateway replies UNCERTAIN where it can, and closes a connection only for these reasons:

| reason | what was executed |
|---|---|
`

// closeReasons returns the names of all typed reasons for closing, in their order.
func closeReasons() []string {
	var names []string
	for r := session.ClientLeft; r <= session.TooMany; r++ {
		names = append(names, r.String())
	}
	return names
}

// errorReply matches a whole error reply.
var errorReply = regexp.MustCompile(`^-[A-Z]+ .*\r\n$`)

// fragments are the beginnings of texts in the rooms that answer clients that are no errors of the gateway.
var fragments = []string{
	"-TRYAGAIN Multiple keys", "-READONLY You", "-LOADING Redis", "-LOADING Valkey", "-CLUSTERDOWN ", "-MASTERDOWN ",
	"-NOAUTH Authentication required", "-NOSCRIPT ", "-NOREPLICAS Not", "-BUSY Redis", "-BUSY Valkey",
	"-ERR no such key", "-ERR The command has no key arguments", "-UNBLOCKED force",
	"-ERR WAIT cannot be used with replica", "-ERR WAITAOF cannot be used with replica",
	"-EXECABORT Transaction discarded because of: ", // a server's text
	"-LOADING evergate: ", "-TRYAGAIN evergate: ",   // looked for in parts of answers
	"CLIENT <subcommand>", "LIST [", "SETINFO LIB-NAME|", "SETNAME <name>", // CLIENT HELP
	"KILL ", "MAINT_NOTIFICATIONS ON [", "NO-EVICT ON", "PAUSE <", "REPLY ON", "UNBLOCK <",
	"CONFIG <subcommand>", "GET <pattern>", "SET <directive>",
	"id=%d addr", "sub=%d", "qbuf=%d", "events=r", // CLIENT LIST
	"+%d.%06d [%d %s]",                                                // MONITOR
	"CLUSTER <subcommand>", "COUNT", "GET", "KEYSLOT <", "REPLICAS <", // CLUSTER HELP
	"SENTINEL <subcommand>", "CKQUORUM <", "MASTER <", "SENTINELS <", "SLAVES <", "'. Try SENTINEL", // SENTINEL HELP
	"+OK 1 usable", "cluster_state:", "%s %s:%d@%d", "# Sentinel", "evergate ", // answers, and what an id is made of
	"-ERR Command 'multi' not",                    // Valkey's text, which is removed
	"reply does not parse", "session %v is shown", // of a check
	"the server has another run id", // a reason to close a connection
}

// speaking are the rooms with replies to clients.
var speaking = []string{"gateway/worker", "gateway/admin", "gateway/local", "gateway/resp", "gateway/facade",
	"gateway/exchange", "gateway/multi", "gateway/transaction", "gateway/dedicated", "gateway/inquiry", "gateway/clients",
	"gateway/subscribe", "gateway/downstream", "gateway/sessions"}

// TestErrorsPageHasEveryText compares the table with the sources: every text of the rooms that answer clients is on the
// page, and every text of the page is in the sources.
func TestErrorsPageHasEveryText(t *testing.T) {
	var page []string
	for _, s := range errorSections {
		for _, a := range s.texts {
			page = append(page, a.text)
		}
	}
	texts := map[string]bool{}
	for _, s := range sources(t) {
		if s.isTest() || !strings.HasPrefix(s.pkg, "gateway") {
			continue
		}
		speaks := slices.Contains(speaking, s.pkg) && !s.isCheck()
		for _, w := range wordsOf(s) {
			text := strings.TrimSuffix(strings.TrimPrefix(w.text, "-"), "\r\n")
			texts[text] = true
			if !speaks && !errorReply.MatchString(w.text) || !strings.Contains(strings.TrimSpace(text), " ") ||
				slices.ContainsFunc(fragments, func(f string) bool { return strings.HasPrefix(w.text, f) }) {
				continue
			}
			if !slices.ContainsFunc(page, func(p string) bool { return strings.Contains(p, text) }) {
				t.Errorf("%s: %q is not in the table of %s", s.at(w.pos), text, errorsPage)
			}
		}
	}
	for _, p := range page {
		if rest := unexplained(p, texts); rest != "" {
			t.Errorf("the table of %s has %q: no source has %q", errorsPage, p, rest)
		}
	}
}

// words is a string of a source: one literal, or several that are concatenated.
type words struct {
	pos  token.Pos
	text string
}

// wordsOf returns the strings of a file, except imports and texts of panics.
func wordsOf(s *source) []words {
	var found []words
	var fold func(n ast.Expr) (string, bool)
	fold = func(n ast.Expr) (string, bool) {
		switch n := n.(type) {
		case *ast.BasicLit:
			text, err := strconv.Unquote(n.Value)
			return text, err == nil && n.Kind == token.STRING
		case *ast.BinaryExpr:
			x, one := fold(n.X)
			y, other := fold(n.Y)
			return x + y, one && other
		}
		return "", false
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.Ident); ok && f.Name == "panic" {
				return false
			}
		case ast.Expr:
			if text, ok := fold(n); ok {
				found = append(found, words{n.Pos(), text})
				return false
			}
		}
		return true
	})
	return found
}

// unexplained returns the rest of a text of the page without the texts of the sources and without <placeholders>.
func unexplained(text string, texts map[string]bool) string {
	pieces := []string{}
	for s := range texts {
		if strings.Contains(s, " ") && len(s) > 1 && strings.Contains(text, s) {
			pieces = append(pieces, s)
		}
	}
	slices.SortFunc(pieces, func(a, b string) int { return len(b) - len(a) })
	for _, s := range pieces {
		text = strings.ReplaceAll(text, s, "\x00")
	}
	text = regexp.MustCompile(`<[a-zA-Z]+>`).ReplaceAllString(text, "")
	return strings.Trim(text, "\x00' ")
}

// TestDocsQuoteErrorsAsTheyAre checks the errors that other pages quote, with "..." for omissions.
func TestDocsQuoteErrorsAsTheyAre(t *testing.T) {
	quoted := regexp.MustCompile("`-([A-Z]+ [^`]+)`")
	quotes := 0
	for _, at := range docFiles(t) {
		for _, m := range quoted.FindAllStringSubmatch(checkoutFile(t, at), -1) {
			quotes++
			like := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(m[1]), `\.\.\.`, ".*"))
			if !slices.ContainsFunc(errorSections, func(s errorSection) bool {
				return slices.ContainsFunc(s.texts, func(a answered) bool { return like.MatchString(a.text) })
			}) {
				t.Errorf("%s quotes %q, which is in no row of the table of %s", at, m[1], errorsPage)
			}
		}
	}
	if quotes < 5 {
		t.Errorf("the docs quote only %d errors", quotes)
	}
}

func TestErrorsPageHasEveryReason(t *testing.T) {
	named := map[string]bool{}
	for _, s := range errorSections {
		for _, a := range s.texts {
			named[a.reason] = true
		}
	}
	for r := routing.UnknownCommand; r <= routing.Forbidden; r++ {
		if !named[r.String()] {
			t.Errorf("no text in the table of %s has the reason %s", errorsPage, r)
		}
	}
	for _, r := range closeReasons() {
		if closed[r] == "" {
			t.Errorf("%s does not say what closing for %s means", errorsPage, r)
		}
	}
}

// TestErrorsPageIsRightAboutGoRedis sends every text to go-redis, and compares its error and its number of tries with
// the page.
func TestErrorsPageIsRightAboutGoRedis(t *testing.T) {
	for _, s := range errorSections {
		for _, a := range s.texts {
			page := s.raised.goRedis
			if a.raised.goRedis != "" {
				page = a.raised.goRedis
			}
			if s.prefix == "NOPROTO" { // answers HELLO alone
				continue
			}
			asked, err := askGoRedis(t, a.text)
			if retried := strings.Contains(page, "retried up to 3 times"); retried != (asked == 4) || !retried && asked != 1 {
				t.Errorf("%q: go-redis asked %d times, and %s says: %s", a.text, asked, errorsPage, page)
			}
			kinds := map[string]bool{
				"LoadingError": redis.IsLoadingError(err), "TryAgainError": redis.IsTryAgainError(err),
				"AuthError": redis.IsAuthError(err), "ExecAbortError": redis.IsExecAbortError(err),
				"MaxClientsError": redis.IsMaxClientsError(err),
			}
			for kind, is := range kinds {
				promised := strings.Contains(page, kind) &&
					(s.prefix != "ERR Protocol error" || strings.Contains(a.text, "unauthenticated"))
				if is != promised {
					t.Errorf("%q: go-redis makes %T of it, and %s says: %s", a.text, err, errorsPage, page)
				}
			}
			var plain redis.Error
			if !errors.As(err, &plain) || plain.Error() != a.text {
				t.Errorf("%q: go-redis says %v", a.text, err)
			}
		}
	}
}

// askGoRedis answers each GET of go-redis with an error, and returns how many there were.
func askGoRedis(t *testing.T, text string) (asked int64, err error) {
	t.Helper()
	var gets atomic.Int64
	client := redis.NewClient(&redis.Options{
		DisableIdentity: true, MinRetryBackoff: -1, MaxRetryBackoff: -1,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		Dialer: func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go func() {
				buf := make([]byte, 4096)
				for {
					n, err := theirs.Read(buf)
					if err != nil {
						return
					}
					reply := "ERR unknown command"
					if bytes.Contains(buf[:n], []byte("\r\nget\r\n")) {
						gets.Add(1)
						reply = text
					}
					if _, err := theirs.Write([]byte("-" + reply + "\r\n")); err != nil {
						return
					}
				}
			}()
			return ours, nil
		},
	})
	err = client.Get(t.Context(), "key").Err()
	if closing := client.Close(); closing != nil {
		t.Fatal(closing)
	}
	return gets.Load(), err
}

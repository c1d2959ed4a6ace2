package dial

import (
	"bytes"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/tidwall/redcon"

	"evergate/gateway/upstream"
)

// inTime is Dialer.Timeout for servers that answer.
func inTime() time.Duration { return 5 * time.Second }

// A dial looks whom it met before the connection is used, ends former connections there, and does without what its user
// may not do.
// nobody are credentials of a server without a password.
func nobody() (user, password string, err error) { return "", "", nil }

func TestDialMeetsItsServer(t *testing.T) {
	const info = "# Server\r\nredis_version:7.0.15\r\nrun_id:r1\r\n"
	met := upstream.Greeting{Client: 7, RunID: "r1"}
	for _, c := range []struct {
		name    string
		to      upstream.Dial
		forbids string // command that the user may not do
		asked   []string
		met     upstream.Greeting
		err     error
		logged  string
	}{
		{"nothing is known of it", upstream.Dial{Proto: 2}, "", []string{"PING", "INFO server", "CLIENT ID"}, met, nil, ""},
		{"the run of former connections only", upstream.Dial{Proto: 2, Kill: []int64{5}, KillIn: "r1"}, "",
			[]string{"PING", "INFO server", "CLIENT ID", "CLIENT KILL ID 5"}, met, nil, ""},
		{"former connections of another run", upstream.Dial{Proto: 2, Kill: []int64{5}, KillIn: "r0"}, "",
			[]string{"PING", "INFO server", "CLIENT ID"}, met, nil, ""},
		{"the run that was meant", upstream.Dial{Proto: 2, RunID: "r1"}, "", []string{"PING", "INFO server", "CLIENT ID"},
			met, nil, ""},
		{"another run", upstream.Dial{Proto: 2, RunID: "r0", Kill: []int64{5}, KillIn: "r0"}, "",
			[]string{"PING", "INFO server"}, upstream.Greeting{RunID: "r1"}, upstream.ErrOtherRun, ""},
		{"former connections", upstream.Dial{Proto: 3, RunID: "r1", Kill: []int64{5, 6}, KillIn: "r1", ReadOnly: true}, "",
			[]string{"HELLO 3", "INFO server", "CLIENT ID", "CLIENT KILL ID 5", "CLIENT KILL ID 6", "READONLY"}, met, nil, ""},
		{"no right to INFO", upstream.Dial{Proto: 2, RunID: "r1", Kill: []int64{5}, KillIn: "r1"}, "INFO server",
			[]string{"PING", "INFO server", "HELLO", "CLIENT ID"}, upstream.Greeting{Client: 7, OwnOffset: true}, nil,
			"command=INFO"},
		{"a Valkey", upstream.Dial{Proto: 2, DB: 1}, "", []string{"PING", "INFO server", "CLIENT ID", "SELECT 1"},
			upstream.Greeting{Client: 7, RunID: "r1", OwnOffset: true}, nil, ""},
		{"no right to CLIENT ID", upstream.Dial{Proto: 2}, "CLIENT ID", []string{"PING", "INFO server", "CLIENT ID"},
			upstream.Greeting{RunID: "r1"}, nil, `command="CLIENT ID"`},
	} {
		var mu sync.Mutex
		var asked []string
		server := redcon.NewServer("127.0.0.1:0", func(conn redcon.Conn, cmd redcon.Command) {
			sent := string(bytes.Join(cmd.Args, []byte(" ")))
			mu.Lock()
			asked = append(asked, sent)
			mu.Unlock()
			switch {
			case sent == c.forbids:
				conn.WriteError("NOPERM this user has no permissions to run the command")
			case sent == "INFO server" && c.met.OwnOffset:
				conn.WriteBulkString(strings.Replace(info, "7.0.15", "7.2.4", 1))
			case sent == "INFO server":
				conn.WriteBulkString(info)
			case sent == "HELLO":
				conn.WriteArray(4)
				for _, word := range []string{"server", "valkey", "version", "9.1.2"} {
					conn.WriteBulkString(word)
				}
			case sent == "CLIENT ID":
				conn.WriteInt(7)
			case strings.HasPrefix(sent, "CLIENT KILL"):
				conn.WriteInt(0)
			default:
				conn.WriteString("OK")
			}
		}, nil, nil)
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			_ = server.Serve(ln)
			close(ended)
		}()
		var log bytes.Buffer
		d := Dialer{Timeout: inTime, Servers: func(int) Servers { return Servers{Credentials: nobody} },
			Logger: hclog.New(&hclog.LoggerOptions{Output: &log})}
		c.to.Addr = ln.Addr().String()
		for range 2 {
			conn, met, err := d.Dial(t.Context(), c.to)
			if met != c.met || !errors.Is(err, c.err) {
				t.Errorf("%s: met %v, error %v", c.name, met, err)
			}
			if conn != nil {
				_ = conn.Close()
			}
		}
		_ = server.Close()
		<-ended
		mu.Lock()
		if want := slices.Concat(c.asked, c.asked); !slices.Equal(asked, want) {
			t.Errorf("%s: it was asked %q, want %q", c.name, asked, want)
		}
		mu.Unlock()
		lines := strings.Count(log.String(), "\n")
		if c.logged == "" && lines > 0 || c.logged != "" && (lines != 1 || !strings.Contains(log.String(), c.logged)) {
			t.Errorf("%s: logged %q, want one line with %q", c.name, log.String(), c.logged)
		}
	}
}

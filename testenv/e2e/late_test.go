package e2e

import (
	"errors"
	"strings"
	"testing"

	"evergate/testenv/servers"
)

// late is what a client does: before its connection is lost, with the write that is lost on it, behind that, and how it
// looks at what has become of it. want are the replies.
type late struct {
	before, behind [][]string
	lost, look     []string
	want           string
}

// TestWritesDoNotRunLate loses a connection with a write that the server gets late, while the client goes on with
// connections that were open before. The write must not run behind what the client has done since.
func TestWritesDoNotRunLate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]late{
		"EXEC": {
			before: [][]string{{"WATCH", "w"}, {"MULTI"}, {"SET", "k", "old"}}, lost: []string{"EXEC"},
			behind: [][]string{{"SET", "k", "new"}}, look: []string{"GET", "k"}, want: "$3\r\nnew\r\n",
		},
		"BLPOP": {
			before: [][]string{{"RPUSH", "q", "a"}, {"BLPOP", "q", "0"}, {"RPUSH", "q", "b"}}, lost: []string{"BLPOP", "q", "0"},
			behind: [][]string{{"RPUSH", "q", "c"}}, look: []string{"LLEN", "q"}, want: ":2\r\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			env := servers.StartPlain(t, servers.Options{})
			fault := servers.StartFault(t, env.Primary().Addr)
			gate := servers.StartGateway(t, "--primary", fault.Addr, "--workers", "2", "--blocking-lost", "error")
			conn, other := servers.MustDial(t, gate.Addr), servers.MustDial(t, gate.Addr)
			expect(t, other, "+PONG\r\n", "PING")
			c.run(t, conn, c.before)
			fault.Hold(servers.ToTarget, true)
			if err := conn.Send(c.lost...); err != nil {
				t.Fatal(err)
			}
			servers.Until(t, servers.Patience, "a write that is held", func() error {
				if fault.Strand() == 0 {
					return errors.New("there is none")
				}
				return nil
			})
			if got, err := conn.Frame(); err != nil || !strings.HasPrefix(string(got), "-UNCERTAIN ") {
				t.Fatalf("got %q, %v", got, err)
			}
			fault.Hold(servers.ToTarget, false)
			c.run(t, conn, c.behind)
			expect(t, other, c.want, c.look...)
			fault.Surface()
			servers.Until(t, servers.Patience, "the end of the connection at the server", func() error {
				if fault.Stranded() > 0 {
					return errors.New("it is open")
				}
				return nil
			})
			expect(t, other, c.want, c.look...)
		})
	}
}

// run sends commands that succeed.
func (c *late) run(t *testing.T, conn *servers.Conn, commands [][]string) {
	t.Helper()
	for _, args := range commands {
		if got, err := conn.Do(args...); err != nil || got[0] == '-' {
			t.Fatalf("%v: %q, %v", args, got, err)
		}
	}
}

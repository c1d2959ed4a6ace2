package e2e

import (
	"fmt"
	"strings"
	"testing"

	"evergate/testenv/servers"
)

// TestDeclaredScriptsGoOnInAPause tests the parsing of FUNCTION LIST with a server, in both protocols.
func TestDeclaredScriptsGoOnInAPause(t *testing.T) {
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{})
	gate := servers.StartGateway(t, "--primary", env.Primary().Addr)
	admin := servers.MustDial(t, gate.Addr)
	awaitWrite(t, admin, "SET", "k", "v")
	expect(t, admin, "$3\r\nlib\r\n", "FUNCTION", "LOAD", `#!lua name=lib
redis.register_function('writes', function() return 1 end)
redis.register_function{function_name='reads', callback=function() return 2 end, flags={'no-writes'}}`)
	for _, hello := range []string{"2", "3"} {
		c := servers.MustDial(t, gate.Addr)
		if _, err := c.Do("HELLO", hello); err != nil {
			t.Fatal(err)
		}
		late := servers.MustDial(t, gate.Addr)
		expect(t, admin, "+OK\r\n", "CLIENT", "PAUSE", "60000", "WRITE")
		expect(t, c, ":2\r\n", "FCALL", "reads", "0")
		expect(t, c, ":3\r\n", "EVAL", "#!lua flags=no-writes\nreturn 3", "0")
		if err := late.Send("FCALL", "writes", "0"); err != nil {
			t.Fatal(err)
		}
		servers.Until(t, servers.Patience, "what may write to wait", func() error {
			if text := clientsOf(t, admin); !strings.Contains(text, "flags=b") {
				return fmt.Errorf("nobody waits: %s", text)
			}
			return nil
		})
		expect(t, c, ":2\r\n", "FCALL", "reads", "0")
		expect(t, admin, "+OK\r\n", "CLIENT", "UNPAUSE")
		if reply, err := late.Frame(); err != nil || string(reply) != ":1\r\n" {
			t.Errorf("after the pause: %q, %v", reply, err)
		}
	}
}

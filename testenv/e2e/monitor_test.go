package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"evergate/testenv/servers"
)

// TestMonitorShowsClientsOfAllWorkers has one client that monitors eight clients on four workers.
func TestMonitorShowsClientsOfAllWorkers(t *testing.T) {
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{})
	gate := servers.StartGateway(t, "--primary", env.Primary().Addr, "--workers", "4")
	watcher := servers.MustDial(t, gate.Addr)
	awaitWrite(t, watcher, "SET", "k", "v")
	var others []*servers.Conn
	for range 8 {
		others = append(others, servers.MustDial(t, gate.Addr))
	}
	expect(t, watcher, "+OK\r\n", "MONITOR")
	line := regexp.MustCompile(`^\+\d+\.\d{6} \[0 127\.0\.0\.1:\d+\] "SET" "k" "(\d)"\r\n$`)
	for i, c := range others {
		expect(t, c, "+OK\r\n", "SET", "k", fmt.Sprint(i))
		shown, err := watcher.Frame()
		if err != nil {
			t.Fatal(err)
		}
		if m := line.FindSubmatch(shown); m == nil || string(m[1]) != fmt.Sprint(i) {
			t.Errorf("client %d was shown as %q", i, shown)
		}
	}
	expect(t, others[0], "+OK\r\n", "EVAL", "return redis.call('set', KEYS[1], '7')", "1", "k")
	for _, want := range []string{`\[0 127\.0\.0\.1:\d+\] "EVAL" `, `\[0 lua\] "set" "k" "7"`} {
		if shown, err := watcher.Frame(); err != nil || !regexp.MustCompile(want).Match(shown) {
			t.Errorf("a script was shown as %q, %v; want %s", shown, err, want)
		}
	}
	expect(t, watcher, "+RESET\r\n", "RESET")
	for _, c := range others { // no client monitors any more, and a second one that leaves is forgotten, too
		expect(t, c, "$1\r\n7\r\n", "GET", "k")
	}
	expect(t, watcher, "$1\r\n7\r\n", "GET", "k")
	second := servers.MustDial(t, gate.Addr)
	expect(t, second, "+OK\r\n", "MONITOR")
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	servers.Until(t, servers.Patience, "the watcher that left to be forgotten", func() error {
		if text := clientsOf(t, watcher); strings.Contains(text, "flags=O") {
			return fmt.Errorf("it is still in %q", text)
		}
		return nil
	})
	expect(t, others[0], "$1\r\n7\r\n", "GET", "k")
}

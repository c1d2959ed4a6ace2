package gateway

import (
	"strings"
	"testing"

	"evergate/gateway/config"
)

// TestProxy: what PROXY has of a gateway without an HTTP server, over all workers.
func TestProxy(t *testing.T) {
	n := startNode(t)
	_, addr := start(t, loops["system"], n, func(c *config.Gateway) { c.Workers = 2 })
	c, other := connect(t, addr), connect(t, addr)
	do := func(args ...string) string {
		c.send(args...)
		return c.reply()
	}
	other.want("+OK\r\n", "CLIENT", "SETINFO", "LIB-NAME", "redis-py")
	other.want("+OK\r\n", "MULTI")
	if got := do("PROXY", "TOPOLOGY"); !strings.HasPrefix(got, "*3\r\n+service default (plain): steady, view ") ||
		!strings.Contains(got, "\r\n+  primary    "+n.addr+"  ") {
		t.Errorf("%q", got)
	}
	if got := do("PROXY", "FAILOVERS"); got != "*1\r\n+no failover since the gateway started\r\n" {
		t.Errorf("%q", got)
	}
	if got := do("PROXY", "CLIENTS"); got != "*6\r\n+clients: 2 (0 subscribed, 1 in MULTI, 0 waiting)\r\n+by user:\r\n"+
		"+       2  default\r\n+by library:\r\n+       1  (none)\r\n+       1  redis-py\r\n" {
		t.Errorf("%q", got)
	}
	all := do("PROXY", "INFO")
	for _, section := range []string{"Server", "Clients", "Gateway", "Pubsub", "Failover", "Upstream"} {
		if !strings.Contains(all, "# "+section+"\r\n") {
			t.Errorf("no section %s: %q", section, all)
		}
	}
	if all[0] != '$' || strings.Contains(all, "# Keyspace") || strings.Contains(all, "# Replication") {
		t.Errorf("%q", all)
	}
	if got := do("PROXY", "INFO", "Failover", "keyspace"); !strings.Contains(got, "\r\n# Failover\r\n") ||
		strings.Count(got, "# ") != 1 {
		t.Errorf("%q", got)
	}
	if got := do("PROXY", "INFO", "keyspace"); got != "$0\r\n\r\n" {
		t.Errorf("%q", got)
	}
	_ = do("HELLO", "3")
	if got := do("PROXY", "INFO", "clients"); !strings.HasPrefix(got, "=") {
		t.Errorf("%q", got)
	}
}

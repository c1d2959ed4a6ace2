package gateway

import (
	"strings"
	"testing"
	"time"

	"evergate/gateway/config"
)

// TestSlowLog: what SLOWLOG and the API have of slow requests, and that CONFIG SET and a reload decide what is slow.
func TestSlowLog(t *testing.T) {
	n := startNode(t)
	g, addr := start(t, loops["system"], n, func(c *config.Gateway) { c.SlowLogSlowerThan, c.SlowLogMax = 0, 3 })
	c := connect(t, addr)
	do := func(args ...string) string {
		c.send(args...)
		return c.reply()
	}
	do("CLIENT", "SETNAME", "me")
	for range 5 {
		do("SET", "key\x01", "value")
	}
	if got := do("SLOWLOG", "LEN"); got != ":3\r\n" {
		t.Errorf("SLOWLOG LEN: %q", got)
	}
	got := do("SLOWLOG", "GET", "1")
	if !strings.HasPrefix(got, "*1\r\n*6\r\n:4\r\n:") || !strings.HasSuffix(got, "$2\r\nme\r\n") ||
		!strings.Contains(got, "*3\r\n$3\r\nSET\r\n$4\r\nkey\x01\r\n$5\r\nvalue\r\n") {
		t.Errorf("SLOWLOG GET: %q", got)
	}
	all := g.SlowLog("", 2, true)
	if all.Total != 5 || len(all.Commands) != 2 || *all.Threshold != 0 || !all.KeysShown {
		t.Fatalf("%+v", all)
	}
	s := all.Commands[0]
	if s.ID != 4 || s.Command != "set" || len(s.Keys) != 1 || s.Keys[0] != `key\x01` || s.KeysMore != 0 ||
		s.Arguments != 2 || s.Name != "me" || s.User != "default" || s.Node != n.addr || s.Duration <= 0 ||
		s.Server+s.Gateway+s.Hold > s.Duration+1 || s.ReplyBytes != 5 || time.Since(s.At) > time.Minute {
		t.Errorf("%+v", s)
	}
	if s := g.SlowLog("default", 1, false).Commands[0]; len(s.Keys) != 0 || s.KeysMore != 1 {
		t.Errorf("%+v", s)
	}
	if none := g.SlowLog("other", 1, true); none.Threshold != nil || len(none.Commands) != 0 {
		t.Errorf("%+v", none)
	}
	reload(t, g, func(c *config.Gateway) { c.SlowLogSlowerThan = -1 })
	if got := do("SLOWLOG", "RESET"); got != "+OK\r\n" {
		t.Errorf("SLOWLOG RESET: %q", got)
	}
	do("GET", "k")
	if got := do("SLOWLOG", "LEN"); got != ":0\r\n" || g.SlowLog("", 1, true).Threshold != nil {
		t.Errorf("SLOWLOG LEN without a log: %q", got)
	}
	g.Configured(g.of(0).measured, []string{"maxmemory", "1gb", "SLOWLOG-log-slower-than", "1", "slowlog-max-len", "2"})
	reload(t, g, func(c *config.Gateway) { c.Limits.ClientsMax++ }) // that is none of its business
	for range 3 {
		do("GET", "k")
	}
	if got := do("SLOWLOG", "LEN"); got != ":2\r\n" {
		t.Errorf("SLOWLOG LEN after CONFIG SET: %q", got)
	}
}

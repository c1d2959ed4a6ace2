package gateway

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"evergate/gateway/config"
)

// TestReloadedHold: a client that waits for a primary waits as long as the new setting says.
func TestReloadedHold(t *testing.T) {
	onBoth(t, func(t *testing.T, makeLoop maker) {
		n := startNode(t)
		g, addr := start(t, makeLoop, n, func(c *config.Gateway) {
			c.Services[0].Hold = config.Hold{Mode: config.HoldFor, Window: time.Hour}
		})
		p, free := connect(t, addr), connect(t, addr)
		p.want("+OK\r\n", "SET", "k", "v")
		if err := n.server.Close(); err != nil {
			t.Fatal(err)
		}
		until(t, "a client waits", func() bool {
			p.send("GET", "k")
			free.want("+PONG\r\n", "PING")
			return g.Snapshot().Waiting > 0
		})
		reload(t, g, func(c *config.Gateway) { c.Services[0].Hold = config.Hold{Mode: config.HoldOff} })
		for got := ""; !strings.HasPrefix(got, "-LOADING evergate: service 'default': "); {
			if got = p.reply(); got == "closed" {
				t.Fatal("the client is closed")
			}
		}
		if waiting := g.Snapshot().Waiting; waiting != 0 {
			t.Errorf("%d clients wait", waiting)
		}
		free.want("+PONG\r\n", "PING")
	})
}

// TestReloadedUserSettings: databases, rates and numbers of clients hold for clients that are there; none is closed.
func TestReloadedUserSettings(t *testing.T) {
	g, addr := start(t, loops["system"], startNode(t), nil)
	p, other := connect(t, addr), connect(t, addr)
	p.want("$-1\r\n", "GET", "k")
	other.want("$-1\r\n", "GET", "k")
	set := func(u config.UserSettings) {
		t.Helper()
		changes := reload(t, g, func(c *config.Gateway) {
			c.Services[0].UserSettings = map[string]config.UserSettings{"default": u}
		})
		if got := config.Names(changes.Applied); got != "user-settings of default" || len(changes.Restart) > 0 {
			t.Errorf("%+v", changes)
		}
	}
	set(config.UserSettings{Databases: []int{7}})
	p.send("GET", "k")
	if got := p.reply(); !strings.HasPrefix(got, "-NOPERM ") {
		t.Errorf("in a database of others: %q", got)
	}
	set(config.UserSettings{ClientsMax: 1})
	p.want("$-1\r\n", "GET", "k")
	other.want("$-1\r\n", "GET", "k")
	if got := connect(t, addr).reply(); got != "-ERR max number of clients reached\r\n" {
		t.Errorf("one client too many: %q", got)
	}
	set(config.UserSettings{Rate: config.Rate{Commands: 1, Over: config.RateError}})
	p.send("GET", "k")
	p.send("GET", "k")
	if first, second := p.reply(), p.reply(); first != "$-1\r\n" || !strings.HasPrefix(second, "-ERR max number of ") {
		t.Errorf("past the rate: %q, %q", first, second)
	}
	set(config.UserSettings{})
	for range 3 {
		p.want("$-1\r\n", "GET", "k")
	}
	connect(t, addr).want("$-1\r\n", "GET", "k")
	if a := g.Snapshot(); a.Clients < 2 {
		t.Errorf("%d clients are left", a.Clients)
	}
}

// TestReloadedLimitsOfClients: what is kept for a client, and how long it may be idle, holds for those that are there.
func TestReloadedLimitsOfClients(t *testing.T) {
	g, addr := start(t, loops["system"], startNode(t), nil)
	p, idle := connect(t, addr), connect(t, addr)
	p.want("+OK\r\n", "SET", "k", strings.Repeat("x", 32<<10))
	idle.want("+PONG\r\n", "PING")
	reload(t, g, func(c *config.Gateway) { c.Limits.BulkBytesMax = 16 << 10 })
	p.send("SET", "k", strings.Repeat("x", 32<<10))
	if got := p.reply(); got != "-ERR Protocol error: invalid bulk length\r\n" {
		t.Errorf("past proto-max-bulk-len: %q", got)
	}
	reload(t, g, func(c *config.Gateway) { c.Limits.IdleMax = time.Millisecond })
	if got := idle.reply(); got != "closed" {
		t.Errorf("an idle client: %q", got)
	}
	reload(t, g, func(c *config.Gateway) { c.Limits.IdleMax = 0 })
	connect(t, addr).want("+PONG\r\n", "PING")
}

// TestReloadedAuditLog turns it on, to another file, and off.
func TestReloadedAuditLog(t *testing.T) {
	dir := t.TempDir()
	g, addr := start(t, loops["system"], startNode(t), nil)
	p := connect(t, addr)
	entries := func(name string) int {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(text), `"command":"keys"`)
	}
	ask := func(name string) {
		reload(t, g, func(c *config.Gateway) {
			if c.AuditLog = ""; name != "" {
				c.AuditLog = filepath.Join(dir, name)
			}
		})
		p.want("-ERR unknown command\r\n", "KEYS", "*")
	}
	ask("")
	ask("a")
	until(t, "an entry", func() bool { return entries("a") == 1 })
	ask("b")
	until(t, "an entry", func() bool { return entries("b") == 1 })
	ask("")
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	if a, b := entries("a"), entries("b"); a != 1 || b != 1 {
		t.Errorf("%d and %d entries", a, b)
	}
}

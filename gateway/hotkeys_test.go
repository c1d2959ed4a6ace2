package gateway

import (
	"strings"
	"testing"

	"evergate/gateway/config"
)

// TestHotKeysOfTheAPI: all workers' keys together, named only where they may be.
func TestHotKeysOfTheAPI(t *testing.T) {
	n := startNode(t)
	g, addr := start(t, loops["system"], n, nil)
	big := strings.Repeat("x", 40_000)
	for range 4 {
		c := connect(t, addr)
		c.send("SET", "big", big)
		c.reply()
		for range 500 {
			c.send("GET", "hot\n")
			c.reply()
		}
	}
	all := g.HotKeys("", true)
	if !all.On || !all.KeysShown || all.SampleOneIn != 64 || len(all.Hot) == 0 || len(all.Big) != 1 {
		t.Fatalf("%+v", all)
	}
	if hot := all.Hot[0]; hot.Key != `hot\x0a` || hot.Service != "default" || hot.Share < 0.5 || hot.PerSecond == 0 {
		t.Errorf("%+v", hot)
	}
	if b := all.Big[0]; b.Key != "big" || b.Command != "set" || b.Bytes < 40_000 || b.At.IsZero() {
		t.Errorf("%+v", b)
	}
	unnamed := g.HotKeys("default", false)
	if unnamed.KeysShown || unnamed.Hot[0].Key != "" || unnamed.Big[0].Key != "" {
		t.Errorf("%+v", unnamed)
	}
	if none := g.HotKeys("other", true); len(none.Hot)+len(none.Big) != 0 || none.Hot == nil {
		t.Errorf("%+v", none)
	}
}

// TestHotKeysAreSwitched by a reload: off, nothing is kept of keys.
func TestHotKeysAreSwitched(t *testing.T) {
	n := startNode(t)
	g, addr := start(t, loops["system"], n, func(c *config.Gateway) { c.HotKeys = config.Off })
	c := connect(t, addr)
	gets := func() int {
		for range 500 {
			c.send("GET", "hot")
			c.reply()
		}
		return len(g.HotKeys("", true).Hot)
	}
	if n := gets(); n > 0 || g.HotKeys("", true).On {
		t.Errorf("off: %d keys", n)
	}
	reload(t, g, func(c *config.Gateway) { c.HotKeys = config.On })
	if n := gets(); n != 1 || !g.HotKeys("", true).On {
		t.Errorf("on: %d keys", n)
	}
	reload(t, g, func(c *config.Gateway) { c.HotKeys = config.Off })
	if n := gets(); n > 0 {
		t.Errorf("off again: %d keys", n)
	}
}

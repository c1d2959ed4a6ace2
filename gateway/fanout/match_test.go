package fanout

import (
	"testing"

	"evergate/gateway/glob"
)

func TestWhatMayBeEvents(t *testing.T) {
	for pattern, want := range map[string]bool{
		"*": true, "__key*": true, "__keyspace@0__:foo*": true, "__keyevent@*__:expired": true, "?_key*": true,
		"[_a]*":   true,
		"__keys*": true, "foo*": false,
		"__x*": false, "_": false, "": false, `\_\_key*`: true, "__keyspace@": true, "[^_]*": false,
	} {
		if mayBeEvents(Pattern, []byte(pattern)) != want {
			t.Errorf("pattern %q: not %v", pattern, want)
		}
	}
	for channel, want := range map[string]bool{"__keyspace@0__:foo": true, "__keyevent@3__:del": true, "__key*": false} {
		if mayBeEvents(Channel, []byte(channel)) != want {
			t.Errorf("channel %q: not %v", channel, want)
		}
	}
	if mayBeEvents(Shard, []byte("__keyspace@0__:foo")) {
		t.Error("a shard's channel")
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("a*[b-", "aab")
	f.Add(`\`, `\`)
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if len(pattern) > 100 || len(name) > 100 {
			return
		}
		p, n := []byte(pattern), []byte(name)
		if glob.Match(p, n) && IsEvent(n) && !mayBeEvents(Pattern, p) {
			t.Errorf("%q matches the event %q, and is said not to", pattern, name)
		}
	})
}

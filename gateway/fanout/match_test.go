package fanout

import (
	"strings"
	"testing"
	"time"
)

// TestMatch: the results are those of KEYS of Redis 7.0.15; that of the empty name is of PSUBSCRIBE.
func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"*", "x", true}, {"*", "", false}, {"", "", true}, {"", "x", false}, {"a*", "a", true}, {"a**b", "aXb", true},
		{"a?c", "abc", true}, {"a?c", "ac", false}, {"[ab]c", "bc", true}, {"[^ab]c", "bc", false}, {"[^ab]c", "cc", true},
		{"[a-c]x", "bx", true}, {"[c-a]x", "bx", true}, {"[a-c]x", "dx", false}, {`\*`, "*", true}, {`\*`, "x", false},
		{`[\]]x`, "]x", true}, {"[ab", "a", true}, {"[ab", "c", false}, {`a\`, `a\`, true}, {"h[a-", "h-", true},
		{"*a*b*", "xaxbx", true}, {"*a*b*", "xbxax", false}, {"news.*.uk", "news.x.uk", true}, {"*x", "xy", false},
		{"a*", "ba", false}, {"abc", "ab", false}, {"ab", "abc", false}, {"[", "[", false}, {"[^", "x", true},
	} {
		if Match([]byte(c.pattern), []byte(c.name)) != c.want {
			t.Errorf("%q and %q: not %v", c.pattern, c.name, c.want)
		}
	}
}

func TestManyStarsCostLittle(t *testing.T) {
	begun := time.Now()
	if Match([]byte(strings.Repeat("*a", 40)+"b"), []byte(strings.Repeat("a", 2000))) {
		t.Error("matches")
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

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
		if Match(p, n) && IsEvent(n) && !mayBeEvents(Pattern, p) {
			t.Errorf("%q matches the event %q, and is said not to", pattern, name)
		}
	})
}

package glob

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
		{"*aab", "aaab", true}, {"app:*", "app:", true}, {"app:*", "app", false}, {"**", "x", true}, {"**", "", false},
		{"a*", "", false},
		{`app\*`, "app*", true}, {`app\*`, "appx", false}, {"x*a[", "xya", false}, {"*[", "b", false}, {"[]", "]", false},
	} {
		compiled := Compile(c.pattern)
		if Match(c.pattern, []byte(c.name)) != c.want || compiled.Match([]byte(c.name)) != c.want ||
			compiled.String() != c.pattern {
			t.Errorf("%q and %q: not %v", c.pattern, c.name, c.want)
		}
	}
}

func TestManyStarsCostLittle(t *testing.T) {
	begun := time.Now()
	name := []byte(strings.Repeat("a", 2000))
	if Match(strings.Repeat("*a", 40)+"b", name) || !Match(strings.Repeat("*a", 1900), name) {
		t.Error("the wrong one matches")
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestCompiledPatternsAllocateNothing(t *testing.T) {
	for _, text := range []string{"app:*", "app:1", "*", "a*p:[0-9]*"} {
		p, name := Compile(text), []byte("app:12345")
		if n := testing.AllocsPerRun(100, func() { p.Match(name) }); n != 0 {
			t.Errorf("%s: %v allocations", text, n)
		}
	}
}

// reference matches by trying everything, with the rule of the empty name in front.
func reference(pattern, name string) bool {
	if name == "" {
		return pattern == ""
	}
	return tryAll(pattern, name)
}

func tryAll(pattern, name string) bool {
	if pattern == "" {
		return name == ""
	}
	if pattern[0] == '*' {
		return tryAll(pattern[1:], name) || name != "" && tryAll(pattern, name[1:])
	}
	if name == "" {
		return false
	}
	rest, ok := matchOne(pattern, name[0])
	return ok && tryAll(rest, name[1:])
}

// FuzzGlob: a compiled pattern and one that is not match what trying everything matches.
func FuzzGlob(f *testing.F) {
	for _, seed := range [][2]string{
		{"a*[b-", "aab"}, {`\\`, `\\`}, {"*a*b*", "xaxbx"}, {"app:*", "app:1"}, {"[^a-c]*", "dd"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if len(pattern) > 12 || len(name) > 12 {
			return // trying everything takes exponential time
		}
		want, compiled := reference(pattern, name), Compile(pattern)
		if Match(pattern, []byte(name)) != want || Match([]byte(pattern), []byte(name)) != want {
			t.Errorf("%q and %q: not %v", pattern, name, want)
		}
		if compiled.Match([]byte(name)) != want {
			t.Errorf("%q compiled, and %q: not %v", pattern, name, want)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	name := []byte("app:user:12345")
	for _, text := range []string{"app:*", "*:user:*", "app:user:12345"} {
		b.Run(text, func(b *testing.B) {
			p := Compile(text)
			for b.Loop() {
				p.Match(name)
			}
		})
	}
}

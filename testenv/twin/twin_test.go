package main

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"evergate/testenv/servers"
)

// TestRepliesAreThoseOfOneServer is a short run; make fuzz-redis sends a million commands.
func TestRepliesAreThoseOfOneServer(t *testing.T) {
	t.Parallel()
	servers.SkipShort(t)
	for _, seed := range []uint64{1, 1 << 32} {
		var out strings.Builder
		code, err := start(options{commands: 10_000, seed: seed, findings: 3}, &out)
		if err != nil || code != 0 {
			t.Errorf("code %d, %v\n%s", code, err, out.String())
		}
	}
}

// TestADifferenceIsFoundAndShown compares two servers with different settings: a difference must be found, and its
// program be short.
func TestADifferenceIsFoundAndShown(t *testing.T) {
	t.Parallel()
	servers.SkipShort(t)
	one, other := servers.StartPlain(t, servers.Options{}), servers.StartPlain(t, servers.Options{})
	if err := quickly(one, other); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Primary().Do("CONFIG", "SET", "hash-max-listpack-value", "1"); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	code, err := run(options{commands: 100_000, seed: 1, findings: 1}, one.Primary().Addr, other.Primary().Addr, &out)
	if err != nil || code != 1 {
		t.Fatalf("code %d, %v\n%s", code, err, out.String())
	}
	_, shown, found := strings.Cut(out.String(), "shown by\n")
	shown, _, _ = strings.Cut(shown, "\n1")
	if !found || strings.Count(shown, "\n    c") > 3 {
		t.Errorf("it is shown by\n%s", out.String())
	}
}

func TestProgramsDependOnTheirSeedAlone(t *testing.T) {
	grammar := []command{{words: []string{"get"}, group: "string", args: []argument{{name: "key", kind: "key"}}},
		{words: []string{"set"}, group: "string", args: []argument{{name: "key", kind: "key"},
			{name: "value", kind: "string"}}}}
	made := func(seed uint64) []step {
		g := &generator{dice: rand.New(rand.NewPCG(seed, 0)), grammar: grammar}
		return g.program(500)
	}
	if !reflect.DeepEqual(made(1), made(1)) {
		t.Error("two programs of one seed are different")
	}
	if reflect.DeepEqual(made(1), made(2)) {
		t.Error("two programs of two seeds are the same")
	}
}

func TestHowRepliesMayDiffer(t *testing.T) {
	for _, c := range []struct {
		line, a, b string
		want       bool
	}{
		{"x | order |  | r", "*2\r\n:1\r\n:2\r\n", "*2\r\n:2\r\n:1\r\n", true},
		{"x | order |  | r", "*2\r\n:1\r\n:2\r\n", "*2\r\n:2\r\n:2\r\n", false},
		{"x | near |  | r", "*1\r\n:100\r\n", "*1\r\n:101\r\n", true},
		{"x | near |  | r", ":100\r\n", ":9000\r\n", false},
		{"x | near |  | r", "$1\r\na\r\n", "$1\r\nb\r\n", false},
		{"x | type |  | r", "$1\r\na\r\n", "$2\r\nbc\r\n", true},
		{"x | type |  | r", "$1\r\na\r\n", "-ERR\r\n", false},
		{"x | any | -ERR no | r", "+OK\r\n", "-ERR no\r\n", true},
		{"x | any | -ERR no | r", "+OK\r\n", "-ERR yes\r\n", false},
	} {
		all, err := readDiffers(c.line)
		if err != nil || len(all) != 1 {
			t.Fatal(err)
		}
		if got := all[0].allows([]byte(c.a), []byte(c.b)); got != c.want {
			t.Errorf("%s: %q and %q: %t", c.line, c.a, c.b, got)
		}
	}
	for _, bad := range []string{"x | order | r", "x | sideways |  | r", "x | any | ( | r"} {
		if _, err := readDiffers(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	if _, err := readDiffers(differsText); err != nil {
		t.Error(err)
	}
}

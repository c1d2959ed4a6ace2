package resp

import (
	"fmt"
	"testing"
)

func TestElements(t *testing.T) {
	for reply, want := range map[string]string{
		"*2\r\n$1\r\na\r\n:5\r\n":        `["$1\r\na\r\n" ":5\r\n"] true`,
		"*0\r\n":                         `[] true`,
		">2\r\n*1\r\n:1\r\n_\r\n":        `["*1\r\n:1\r\n" "_\r\n"] true`,
		"~1\r\n+a\r\n":                   `["+a\r\n"] true`,
		"*-1\r\n":                        `[] false`,
		"*2\r\n:1\r\n":                   `[] false`,
		"*999999\r\n:1\r\n":              `[] false`,
		":1\r\n":                         `[] false`,
		"*1\r\n:1\r\n:2\r\n":             `[] false`,
		"":                               `[] false`,
		"*1\r\n$2\r\nab\r\n":             `["$2\r\nab\r\n"] true`,
		"*1\r\n$5\r\nab\r\n":             `[] false`,
		"*1\r\n|1\r\n+k\r\n+v\r\n:1\r\n": `["|1\r\n+k\r\n+v\r\n:1\r\n"] true`,
		"*9223372036854775807\r\n$1\r\na\r\n:1\r\n": `[] false`,
	} {
		elements, ok := Elements([]byte(reply))
		if got := fmt.Sprintf("%q %v", elements, ok); got != want {
			t.Errorf("%q: %s, want %s", reply, got, want)
		}
	}
}

func TestPushWords(t *testing.T) {
	for push, want := range map[string]string{
		">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$0\r\n\r\n":       `3 ["message" "a" ""]`,
		">4\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n$1\r\nd\r\n": `3 ["a" "b" "c"]`,
		">3\r\n$11\r\nunsubscribe\r\n_\r\n:0\r\n":            `1 ["unsubscribe" "" ""]`,
		">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n":         `2 ["subscribe" "a" ""]`,
		">2\r\n$1\r\na\r\n$-1\r\n":                           `1 ["a" "" ""]`,
		">2\r\n$1\r\na\r\n$9\r\nb\r\n":                       `1 ["a" "" ""]`,
		"*1\r\n$1\r\na\r\n":                                  `0 ["" "" ""]`,
		">0\r\n":                                             `0 ["" "" ""]`,
		">":                                                  `0 ["" "" ""]`,
		">1\r\n$9223372036854775807\r\na\r\n":                `0 ["" "" ""]`,
		">2\r\n$1\r\na\r\n":                                  `1 ["a" "" ""]`,
	} {
		var words [3][]byte
		n := PushWords([]byte(push), &words)
		if got := fmt.Sprintf("%d %q", n, words); got != want {
			t.Errorf("%q: %s, want %s", push, got, want)
		}
	}
}

func TestJoinNamesAndCounts(t *testing.T) {
	const a, b = "$1\r\na\r\n", "$1\r\nb\r\n"
	for _, c := range []struct {
		kind  JoinKind
		parts []string
		want  string
	}{
		{Union, []string{"*2\r\n" + a + b, "*1\r\n" + b, "*0\r\n"}, "*2\r\n" + a + b},
		{Union, []string{"*1\r\n" + a, "-ERR no\r\n"}, "-ERR no\r\n"},
		{Union, []string{"*1\r\n" + a, ":1\r\n"}, "-" + joinShape + "\r\n"},
		{SumPairs, []string{"*4\r\n" + a + ":1\r\n" + b + ":2\r\n", "*4\r\n" + a + ":10\r\n" + b + ":0\r\n"},
			"*4\r\n" + a + ":11\r\n" + b + ":2\r\n"},
		{SumPairs, []string{"*0\r\n", "*0\r\n"}, "*0\r\n"},
		{SumPairs, []string{"*2\r\n" + a + ":1\r\n", "*2\r\n" + b + ":1\r\n"}, "-" + joinShape + "\r\n"},
		{SumPairs, []string{"*2\r\n" + a + ":1\r\n", "*0\r\n"}, "-" + joinShape + "\r\n"},
		{SumPairs, []string{"*1\r\n" + a}, "-" + joinShape + "\r\n"},
		{SumPairs, []string{"*2\r\n" + a + b}, "-" + joinShape + "\r\n"},
	} {
		var parts []JoinPart
		for _, p := range c.parts {
			parts = append(parts, JoinPart{Reply: []byte(p)})
		}
		if got := string(Join(nil, c.kind, parts, 0)); got != c.want {
			t.Errorf("%v of %q: %q, want %q", c.kind, c.parts, got, c.want)
		}
	}
}

func TestBulkAndInt(t *testing.T) {
	if v, ok := Bulk([]byte("$2\r\nab\r\n")); !ok || string(v) != "ab" {
		t.Errorf("%q, %v", v, ok)
	}
	for _, bad := range []string{"", "$-1\r\n", "+ab\r\n", "$3\r\nab\r\n", "$2\r\nab\r\nx"} {
		if v, ok := Bulk([]byte(bad)); ok {
			t.Errorf("%q is %q", bad, v)
		}
	}
	if n, ok := Int([]byte(":-12\r\n")); !ok || n != -12 {
		t.Errorf("%d, %v", n, ok)
	}
	if _, ok := Int([]byte("$1\r\n1\r\n")); ok {
		t.Error("a bulk string is no integer")
	}
}

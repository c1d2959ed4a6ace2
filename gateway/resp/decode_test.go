package resp

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestDecode(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("*1\r\n", n) + ":1\r\n" }
	for reply, want := range map[string]string{
		"+OK\r\n":                             `"OK"`,
		"$2\r\na\n\r\n":                       `"a\n"`,
		"=7\r\ntxt:abc\r\n":                   `"abc"`,
		":-12\r\n":                            "-12",
		"$-1\r\n":                             "<nil>",
		"*-1\r\n":                             "<nil>",
		"_\r\n":                               "<nil>",
		",1.5\r\n":                            `"1.5"`,
		"#t\r\n":                              `"t"`,
		"*0\r\n":                              "[]",
		"~2\r\n+a\r\n:1\r\n":                  `["a" 1]`,
		"%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n_\r\n": `["a" 1 "b" [<nil>]]`,
		"*2\r\n$1\r\na\r\n*1\r\n:1\r\n":       `["a" [1]]`,
		deep(16):                              strings.Repeat("[", 16) + "1" + strings.Repeat("]", 16),
		deep(17):                              "",
		"-ERR no\r\n":                         "",
		"*1\r\n-ERR no\r\n":                   "",
		"*2\r\n:1\r\n":                        "",
		"*1\r\n:1\r\n:2\r\n":                  "",
		"=2\r\nab\r\n":                        "",
		"":                                    "",
		"\r\n":                                "",
	} {
		value, ok := Decode([]byte(reply))
		if got := fmt.Sprintf("%#v", value); ok != (want != "") || ok && show(value) != want {
			t.Errorf("%q: %s %v, want %s", reply, got, ok, want)
		}
	}
}

// show formats a decoded value with its types.
func show(value any) string {
	switch v := value.(type) {
	case string:
		return fmt.Sprintf("%q", v)
	case []any:
		var all []string
		for _, e := range v {
			all = append(all, show(e))
		}
		return "[" + strings.Join(all, " ") + "]"
	}
	return fmt.Sprint(value)
}

func TestLacks(t *testing.T) {
	long := "*2\r\n$5000\r\n" + strings.Repeat("x", 5000) + "\r\n$-1\r\n"
	absent := "*1000\r\n" + strings.Repeat("$-1\r\n", 1000)
	for reply, want := range map[string]bool{
		"_\r\n": true, "$-1\r\n": true, "*-1\r\n": true, ":0\r\n": true, ":-2\r\n": true, "$0\r\n\r\n": true, "*0\r\n": true,
		"%0\r\n": true, "*2\r\n+a\r\n$-1\r\n": true, "~1\r\n_\r\n": true, long: false, absent: true,
		"*2\r\n:0\r\n:0\r\n": true, "*1\r\n*-1\r\n": true, "*1\r\n:-2\r\n": true, "*2\r\n:1\r\n:0\r\n": false,
		"+OK\r\n": false, "$1\r\n0\r\n": false, ":10\r\n": false, "*1\r\n+a\r\n": false,
		"-ERR no\r\n": false, ",0\r\n": false, "#f\r\n": true, "#t\r\n": false,
	} {
		if Lacks([]byte(reply)) != want {
			t.Errorf("%.40q: %v", reply, !want)
		}
	}
}

func TestInts(t *testing.T) {
	for reply, want := range map[string][]int64{
		":7\r\n": {7}, "*2\r\n:1\r\n:-2\r\n": {1, -2}, "*1\r\n+a\r\n": nil, "+1\r\n": nil, "*2\r\n:1\r\n": nil,
	} {
		if got, ok := Ints([]byte(reply)); ok != (want != nil) || ok && !slices.Equal(got, want) {
			t.Errorf("%q: %v %v, want %v", reply, got, ok, want)
		}
	}
}

// FuzzDecode: Decode accepts only one whole reply without errors, and never panics.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		"*2\r\n$1\r\na\r\n*1\r\n:1\r\n", "%1\r\n+a\r\n_\r\n", "=7\r\ntxt:abc\r\n", "|1\r\n+a\r\n+b\r\n:1\r\n", "*-1\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, reply []byte) {
		_, ok := Decode(reply)
		var s ReplyScanner
		n, done, err := s.Scan(reply)
		if whole := err == nil && done && n == len(reply); ok && (!whole || reply[0] == '-') {
			t.Errorf("%q is decoded", reply)
		}
	})
}

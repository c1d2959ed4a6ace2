package api

import "testing"

func TestTextIsPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"user:1": "user:1", "ключ€": "ключ€", "a\xffb": `a\xffb`, "\x00\n": `\x00\x0a`, "\u0085": `\xc2\x85`,
		"\uFFFD": "\uFFFD", "": "",
	} {
		if got := Text(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

package api

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text returns a text that a client or a server chose as the API writes it: valid UTF-8, with bytes that are none, and
// control characters, as \xHH.
func Text(s string) string {
	plain := func(r rune, size int) bool { return (r != utf8.RuneError || size > 1) && !unicode.IsControl(r) }
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if plain(r, size) {
			b.WriteString(s[i : i+size])
		} else {
			for _, c := range []byte(s[i : i+size]) {
				fmt.Fprintf(&b, `\x%02x`, c)
			}
		}
		i += size
	}
	return b.String()
}

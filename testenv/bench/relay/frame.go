package main

import "bytes"

// frameLen returns the length in bytes of the RESP value at the start of b, or 0 while it is incomplete. It checks
// nothing: the relay's peers send valid RESP.
func frameLen(b []byte) int {
	at := 0
	for values := 1; values > 0; values-- {
		line := bytes.IndexByte(b[at:], '\n')
		if line < 1 {
			return 0
		}
		kind, n := b[at], number(b[at+1:at+line])
		at += line + 1
		switch kind {
		case '$', '=', '!':
			if n >= 0 {
				at += n + 2
			}
		case '*', '~', '>':
			values += max(n, 0)
		case '%':
			values += 2 * max(n, 0)
		}
		if at > len(b) {
			return 0
		}
	}
	return at
}

// number parses the decimal length before a CR; -1 for a negative one.
func number(b []byte) int {
	n := 0
	for _, c := range b {
		switch {
		case c == '-':
			return -1
		case c >= '0' && c <= '9':
			n = n*10 + int(c-'0')
		}
	}
	return n
}

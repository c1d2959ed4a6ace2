package trace

import (
	"fmt"
	"regexp"
	"time"

	"evergate/gateway/resp"
	"evergate/routing"
)

// Record is one finished command of a client.
type Record struct {
	// At is the time of day of its end.
	At time.Time
	// DB is the number of the database, Client the client's address as CLIENT LIST shows it.
	DB     int32
	Client string
	// Command is its row of the table; nil for a module's that the table lacks.
	Command *routing.Command
	Args    [][]byte
}

// AppendLine appends a record in MONITOR's format: +SECONDS.MICROSECONDS [DB ADDRESS] "WORD"... and the end of the
// line. Secrets are replaced.
func (r *Record) AppendLine(b []byte) []byte {
	b = fmt.Appendf(b, "+%d.%06d [%d %s]", r.At.Unix(), r.At.Nanosecond()/1000, r.DB, r.Client)
	for i, arg := range r.Args {
		b = append(b, ' ')
		if r.Secret(i) {
			b = append(b, `"(redacted)"`...)
		} else {
			b = appendQuoted(b, arg)
		}
	}
	return append(b, "\r\n"...)
}

// Secret reports whether an argument is a secret.
func (r *Record) Secret(i int) bool {
	if r.Command == nil { // a module's
		return false
	}
	switch r.Command.ID {
	case routing.CmdAuth:
		return i > 0
	case routing.CmdHello, routing.CmdMigrate:
		return followsAuth(r.Command.ID, r.Args, i)
	case routing.CmdConfigSet:
		return i > 2 && i%2 == 1 && secretSetting.Match(r.Args[i-1])
	case routing.CmdACLSetUser:
		return i > 2
	}
	return false
}

// secretSetting matches the names of settings with secret values: requirepass, masterauth, masteruser,
// tls-key-file-pass, and their names in newer servers.
var secretSetting = regexp.MustCompile(`(?i)pass|auth|user`)

// followsAuth reports whether an argument is the user or the password of AUTH or AUTH2.
func followsAuth(of routing.ID, args [][]byte, i int) bool {
	for back := 1; back <= 2 && i-back >= 2; back++ {
		word := args[i-back]
		auth := resp.IsWord(word, "auth") && (back == 1 || of == routing.CmdHello)
		if auth || resp.IsWord(word, "auth2") {
			return true
		}
	}
	return false
}

// appendQuoted appends a word in quotation marks, with escapes for all but printable ASCII.
func appendQuoted(b, word []byte) []byte {
	b = append(b, '"')
	for _, c := range word {
		switch c {
		case '\\', '"':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\t':
			b = append(b, `\t`...)
		case '\a':
			b = append(b, `\a`...)
		case '\b':
			b = append(b, `\b`...)
		default:
			if c < ' ' || c > '~' {
				b = append(b, `\x`...)
				b = append(b, "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
			} else {
				b = append(b, c)
			}
		}
	}
	return append(b, '"')
}

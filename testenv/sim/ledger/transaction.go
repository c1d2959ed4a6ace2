package ledger

import (
	"fmt"
)

// execAnswered checks the reply to an EXEC.
func (l *Ledger) execAnswered(r *Request, text string) {
	if text == "*-1" || text == "_" {
		r.State = void
		if r.watched == nil || len(r.Ran) > 0 {
			l.Fail("%v was answered nil: it watched %v, and was executed %v", r, r.watched != nil, len(r.Ran) > 0)
		}
		return
	}
	l.expect(r, text, fmt.Sprintf("*2\r\n+%d\r\n+%d", r.ID, r.ID))
	l.Whole(r)
	if r.watched == nil || r.watched.State != Acknowledged || r.read.State != Acknowledged || len(r.Ran) == 0 {
		return
	}
	if before := l.Execs[r.Ran[r.keys[0]]].before[r.keys[0]]; before != r.read.saw {
		l.Fail("%v was executed over the write of #%d: its client watched, and had read that of #%d", r, before, r.read.saw)
	}
}

// Whole fails where a transaction was executed in part, or in parts.
func (l *Ledger) Whole(r *Request) {
	for _, k := range r.keys {
		if at, ran := r.Ran[k]; len(r.Ran) > 0 && (!ran || at != r.Ran[r.keys[0]]) {
			l.Fail("%v was executed in parts: %v", r, r.Ran)
		}
	}
}

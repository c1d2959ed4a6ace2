package ledger

import (
	"strings"

	"evergate/testenv/sim/network"
)

// refusedWith checks an error reply.
func (l *Ledger) refusedWith(m *Memory, r *Request, text string) {
	switch {
	case strings.HasPrefix(text, "-UNCERTAIN evergate: "):
		r.State, m.wrote = Uncertain, nil
		if !r.Writes() && (r.Kind != Block || l.PopsRetried && !l.Confirmed) || r.handed == 0 {
			l.Fail("%v was called uncertain: write %v, commands handed over %d", r, r.Writes(), r.handed)
		}
		for _, k := range r.keys {
			if m.perhaps[k] == nil {
				m.perhaps[k] = map[int]bool{}
			}
			m.perhaps[k][r.ID] = true
		}
	case strings.HasPrefix(text, "-LOADING evergate: ") || strings.HasPrefix(text, "-TRYAGAIN evergate: ") ||
		l.Confirmed && strings.HasPrefix(text, "-NOREPLICAS evergate: "):
		if !strings.Contains(text, "not executed") {
			l.Fail("%v was refused without a word about its execution: %q", r, text)
		}
		r.State = Refused
		if len(r.Ran) > 0 || len(r.pops) > 0 && !l.PopsRetried {
			l.Fail("%v was executed, and then answered %q", r, text)
		}
	case (!r.Writes() || r.handed == 0) && strings.HasPrefix(text, "-ERR evergate: the connection to the server was lost"):
		r.State = Refused
	case r.Kind == NamedScript && strings.HasPrefix(text, "-NOSCRIPT"):
		l.scriptUnknown(r)
	case r.Kind == Garbage && strings.HasPrefix(text, "-ERR Protocol error"):
		r.State = Acknowledged
	case r.Kind == Unknown && strings.HasPrefix(text, "-ERR unknown command"):
		r.State = Acknowledged
	default:
		l.Fail("%v was answered %q", r, network.Clip(text))
	}
}

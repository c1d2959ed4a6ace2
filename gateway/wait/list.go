package wait

import (
	"slices"

	"evergate/gateway/session"
)

// List names the sessions that wait for one thing.
type List struct{ refs []session.Ref }

// Add adds a session.
func (l *List) Add(who session.Ref) { l.refs = append(l.refs, who) }

// Empty reports whether nobody is named.
func (l *List) Empty() bool { return len(l.refs) == 0 }

// Has reports whether a session is named: it is for tests, and looks at all.
func (l *List) Has(who session.Ref) bool { return slices.Contains(l.refs, who) }

// Take returns all sessions and forgets them. The slice is valid until the next Add.
func (l *List) Take() []session.Ref {
	all := l.refs
	l.refs = l.refs[:0]
	return all
}

// Load counts the sessions that wait for a server, and the bytes that they have sent and that are not begun.
type Load struct{ Sessions, Bytes int }

// Count begins to count a session.
func (l *Load) Count(p *Place) {
	if !p.counted {
		p.counted = true
		l.Sessions++
	}
}

// Weigh records that a session has sent so many bytes; it counts only while the session does.
func (l *Load) Weigh(p *Place, bytes int) {
	if !p.counted {
		bytes = 0
	}
	l.Bytes += bytes - p.weight
	p.weight = bytes
}

// Release stops counting a session.
func (l *Load) Release(p *Place) {
	if p.counted {
		p.counted = false
		l.Sessions--
		l.Weigh(p, 0)
	}
}

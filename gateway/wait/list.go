package wait

import (
	"math"
	"slices"

	"evergate/gateway/session"
)

// List has the sessions that wait for one thing.
type List struct{ refs []session.Ref }

// Add adds a session.
func (l *List) Add(ref session.Ref) { l.refs = append(l.refs, ref) }

// Empty reports whether no session waits.
func (l *List) Empty() bool { return len(l.refs) == 0 }

// Has reports whether a session waits. It is for tests, since it searches all.
func (l *List) Has(ref session.Ref) bool { return slices.Contains(l.refs, ref) }

// Take removes and returns all sessions. The slice is valid until the next Add.
func (l *List) Take() []session.Ref {
	all := l.refs
	l.refs = l.refs[:0]
	return all
}

// Load counts the sessions that wait for a server, and the bytes of their unread input.
type Load struct{ Sessions, Bytes int }

// Count begins to count a session.
func (l *Load) Count(p *Place) {
	if !p.counted {
		p.counted = true
		l.Sessions++
	}
}

// Weigh sets the size of a session's input, in bytes, if it is counted.
func (l *Load) Weigh(p *Place, bytes int) {
	if !p.counted {
		bytes = 0
	}
	weight := uint32(min(bytes, math.MaxUint32))
	l.Bytes += int(weight) - int(p.weight)
	p.weight = weight
}

// Release stops counting a session.
func (l *Load) Release(p *Place) {
	if p.counted {
		p.counted = false
		l.Sessions--
		l.Weigh(p, 0)
	}
}

package upstream

import (
	"slices"
	"time"

	"evergate/topology"
)

// A write whose connection was lost after it was sent may still be executed: by a server that was frozen and thaws, or
// that has not read its socket to the end. Until that is over its keys count as in flight. It is over when another
// connection to the server was opened, since that first ends the old one there, or when the server is no primary any
// more: what it executes then reaches nobody.

// lateFor is how long a write may still be executed on a connection that the gateway has closed itself while its server
// answers: a blocking command whose client has left.
const lateFor = time.Second

// lateWrite is such a write. dials are those that the pool had begun by then: a later one ends it.
type lateWrite struct {
	mark  Mark
	node  topology.NodeID
	dials uint64
	// until is when it is over in any case; 0 for never.
	until time.Duration
}

// leaveMarks takes the marks of what was sent on a connection that is gone. closed: the gateway has closed it.
func (p *Pool) leaveMarks(l *Conn, closed bool) {
	s := p.servers[l.Key.Service]
	for t := range l.Inflight.All {
		if t.Mark == 0 || t.Flags&Write == 0 || !l.Queue.Sent(t.End) {
			continue
		}
		s.executed(t, l.Key.Node)
		late := lateWrite{mark: t.TakeMark(), node: l.Key.Node, dials: p.counts.Dials}
		if closed {
			late.until = p.Clock.Now + lateFor
			p.Clock.At(late.until)
		}
		s.late = append(s.late, late)
	}
}

// endLate ends the late writes for which over is true.
func (s *Servers) endLate(over func(w *lateWrite) bool) {
	s.late = slices.DeleteFunc(s.late, func(w lateWrite) bool {
		if !over(&w) {
			return false
		}
		s.EndWrite(w.mark)
		return true
	})
}

// lateOpened ends the late writes that a connection which was opened has ended at its server.
func (s *Servers) lateOpened(l *Conn) {
	if len(s.late) > 0 && !l.Bypass {
		s.endLate(func(w *lateWrite) bool { return w.node == l.Key.Node && w.dials < l.dial })
	}
}

// lateLed ends the late writes at servers that are no primaries any more.
func (s *Servers) lateLed() {
	if s.View == nil || slices.ContainsFunc(s.View.Shards, func(sh topology.Shard) bool { return sh.Primary == nil }) {
		return // the one that is missing may come back
	}
	s.endLate(func(w *lateWrite) bool { return s.View.LedBy(w.node) < 0 && s.View.Demoted(w.node) == nil })
}

// lateDue ends the late writes whose time is over, and asks for the next time.
func (s *Servers) lateDue() {
	now := s.pool.Clock.Now
	s.endLate(func(w *lateWrite) bool { return w.until > 0 && now >= w.until })
	for i := range s.late {
		if s.late[i].until > 0 {
			s.pool.Clock.At(s.late[i].until)
		}
	}
}

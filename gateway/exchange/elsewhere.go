package exchange

import (
	"evergate/gateway/retry"
	"evergate/gateway/session"
	"evergate/gateway/upstream"
)

// ReadElsewhere retries the reads on a silent connection where another server can take them, except those of sessions
// that have a write there. What the silent server still replies to them is dropped. The read at the front may be what
// keeps the server busy: it is moved only once.
func (s *Service) ReadElsewhere(l *upstream.Conn) {
	if s.Reads == upstream.FromPrimary || s.View == nil || l.Key.Purpose > upstream.Replica ||
		!s.AnotherReads(l) {
		return // also for dedicated connections: a WATCH holds there only
	}
	writers := map[session.Ref]bool{}
	for t := range l.Inflight.All {
		if t.Flags&upstream.Write != 0 {
			writers[t.To] = true
		}
	}
	front, start := true, l.Queue.AnsweredTo()
	for t := range l.Inflight.All {
		first, from := front, start
		front, start = false, t.End
		c := s.x.Session(t.To)
		if c == nil || t.Flags&(upstream.Quiet|upstream.Internal) != 0 || writers[c.Ref] || first && l.Streams ||
			t.Redirects >= retry.RedirectsMax-1 || first && t.Redirects > 0 {
			continue
		}
		s.x.totals.ReadElsewhere++
		s.x.recall(c, t, l.Queue.Frame(from, t.End), t.Redirects+1)
	}
}

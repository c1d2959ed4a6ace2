package exchange

import (
	"evergate/gateway/retry"
	"evergate/gateway/session"
	"evergate/gateway/upstream"
)

// ReadElsewhere takes the reads off a silent connection of those sessions that have no write on it, where another
// server can take them. What the silent one answers in the end is for nobody. The read in front may be what keeps the
// server busy: it is sent on once and no more.
func (s *Service) ReadElsewhere(l *upstream.Conn) {
	if s.Reads == upstream.FromPrimary || s.View == nil || l.Key.Purpose > upstream.Replica ||
		!s.AnotherReads(l) {
		return // what is read under a WATCH counts for nothing elsewhere
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

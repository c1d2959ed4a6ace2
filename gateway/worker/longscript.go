package worker

import (
	"time"

	"evergate/gateway/resp"
	"evergate/gateway/upstream"
	"evergate/routing"
)

// scriptAfter is how long a script may run before its server is asked whether it answers PING.
const scriptAfter = 20 * time.Millisecond

// mayBeInScript says that the primary of a service that is no cluster runs a script for too long, or may do so: one has
// been under way for a while on a lane of some worker. The servers and the control plane take a moment to say so.
func (w *Worker) mayBeInScript(s *service) bool {
	w.tellScript(s)
	return s.View.Primary(0) != nil && !s.View.Sharded && (s.InScript(0) != "" || w.env.LongScripts(s.Index, 0) > 0)
}

// tellScript tells all workers whether a script has been under way for a while on a lane of this one, and looks again
// soon if so: nobody has to know how a script can end.
func (w *Worker) tellScript(s *service) {
	add := -s.longScripts
	for l := range w.pool.All {
		if awaitsScript(s, l, w.clock.Now) {
			w.clock.At(w.clock.Now + scriptAfter)
			add++
			break
		}
	}
	s.longScripts += add
	w.env.LongScripts(s.Index, add)
}

// awaitsScript says that a script has been under way for a while on a lane to a primary of the service.
func awaitsScript(s *service, l *upstream.Conn, now time.Duration) bool {
	if l.Key.Service != s.Index || l.Key.Purpose == upstream.Replica || l.State != upstream.Open || l.Retiring ||
		!l.Awaits() || now-l.WaitsFrom < scriptAfter {
		return false
	}
	frame := l.Queue.Frame(l.Queue.AnsweredTo(), l.Inflight.Front().End)
	return isScript(routing.Lookup(resp.Args(frame, nil)))
}

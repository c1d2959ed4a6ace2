package exchange

import (
	"time"

	"evergate/gateway/resp"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/routing"
)

// scriptAfter is how long a script may run before the PING of a client is sent to its server, which may be busy.
const scriptAfter = 20 * time.Millisecond

// MayBeInScript reports whether the primary of a service that is no cluster is busy with a script, or may be: any
// worker has waited for one for a while. The view learns of it a moment later.
func (x *Exchange) MayBeInScript(s *sessions.Service) bool {
	x.ReportScript(x.Service(s.Of))
	return s.View.Primary(0) != nil && !s.View.Sharded && (s.InScript(0) != "" || x.conf.LongScripts(s.Of, 0) > 0)
}

// ReportScript counts this worker among those that wait for a long script of a service of the settings, or not. While
// it does, it is called again soon, since a script can end in many ways.
func (x *Exchange) ReportScript(s *sessions.Service) {
	add := -x.longScripts[s.Index]
	for l := range x.pool.All {
		if x.Served(l).Of == s.Index && awaitsScript(l, x.clock.Now) {
			x.clock.At(x.clock.Now + scriptAfter)
			add++
			break
		}
	}
	x.longScripts[s.Index] += add
	x.conf.LongScripts(s.Index, add)
}

// awaitsScript reports whether a connection to a primary has waited for a script for a while.
func awaitsScript(l *upstream.Conn, now time.Duration) bool {
	if l.Key.Purpose == upstream.Replica || l.State != upstream.Open || l.Retiring ||
		!l.Awaits() || now-l.WaitsFrom < scriptAfter {
		return false
	}
	frame := l.Queue.Frame(l.Queue.AnsweredTo(), l.Inflight.Front().End)
	return isScript(routing.Lookup(resp.Args(frame, nil)))
}

// isScript reports whether a command runs a script, which can make up error replies itself.
func isScript(c *routing.Command) bool { return c != nil && c.Has(routing.RunsScript) }

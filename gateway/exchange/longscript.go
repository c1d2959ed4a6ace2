package exchange

import (
	"time"

	"evergate/gateway/resp"
	"evergate/gateway/upstream"
	"evergate/routing"
)

// scriptAfter is how long a script may run before its server is asked whether it answers PING.
const scriptAfter = 20 * time.Millisecond

// MayBeInScript reports whether the primary of a service that is no cluster runs a script for too long, or may do so:
// one has been under way for a while on a connection of some worker. The servers and the control plane take a moment
// to say so.
func (x *Exchange) MayBeInScript(s *Service) bool {
	x.TellScript(s)
	return s.View.Primary(0) != nil && !s.View.Sharded && (s.InScript(0) != "" || x.conf.LongScripts(s.Index, 0) > 0)
}

// TellScript tells all workers whether a script has been under way for a while on a connection of this one, and looks
// again soon if so: nobody has to know how a script can end.
func (x *Exchange) TellScript(s *Service) {
	add := -s.longScripts
	for l := range x.pool.All {
		if awaitsScript(s, l, x.clock.Now) {
			x.clock.At(x.clock.Now + scriptAfter)
			add++
			break
		}
	}
	s.longScripts += add
	x.conf.LongScripts(s.Index, add)
}

// awaitsScript reports whether a script has been under way for a while on a connection to a primary of the service.
func awaitsScript(s *Service, l *upstream.Conn, now time.Duration) bool {
	if l.Key.Service != s.Index || l.Key.Purpose == upstream.Replica || l.State != upstream.Open || l.Retiring ||
		!l.Awaits() || now-l.WaitsFrom < scriptAfter {
		return false
	}
	frame := l.Queue.Frame(l.Queue.AnsweredTo(), l.Inflight.Front().End)
	return isScript(routing.Lookup(resp.Args(frame, nil)))
}

// isScript reports whether a command runs a script, whose error replies may be made by the script itself.
func isScript(c *routing.Command) bool { return c != nil && c.Has(routing.RunsScript) }

package maintenance

import (
	"slices"
	"time"

	"evergate/gateway/session"
	"evergate/gateway/sessions"
)

// notifyAfter is how long requests must be held before clients are notified. A lost connection is replaced within 75 ms
// and a round trip as a rule: writes to thousands of clients would cost more than that, and clients have no timeouts as
// short. Where the view has no primary, a failover is under way, and nothing is waited for.
const notifyAfter = 100 * time.Millisecond

// service is what a worker knows of one service.
type service struct {
	// holds are those of its listeners and users, window the longest of them.
	holds  []session.Hold
	window time.Duration
	// shards are those that are held.
	shards []shard
	// held is what Config.Held was called with last.
	held bool
	// failing is the FAILING_OVER whose FAILED_OVER has not come, taken at failingAt; moving the MOVING for all. draining
	// is the last MOVING, taken at movingAt.
	failing, moving, draining *Notice
	failingAt, movingAt       time.Duration
}

// shard is one whose requests are held.
type shard struct {
	name  string
	since time.Duration
	// lost: the view has no primary. seen: it is still held.
	lost, seen bool
}

// Look takes in which shards of a service are held. It is called for each service, with those of their users, before
// Report.
func (n *Notices) Look(s *sessions.Service) {
	of := &n.services[s.Of]
	for i := range s.Shards() + 1 {
		since, buffered := s.Buffers(i)
		name, lost := "", false
		if i < s.Shards() {
			name, lost = s.View.Shards[i].Name, s.View.Shards[i].Primary == nil
		}
		if !buffered {
			since = n.clock.Now
		}
		at := slices.IndexFunc(of.shards, func(sh shard) bool { return sh.name == name })
		switch {
		case at >= 0 && (buffered || lost || !s.Lazy && !s.TakesWrites(i)):
			of.shards[at].seen = true
			of.shards[at].lost = of.shards[at].lost || lost
		case at < 0 && (buffered || lost):
			of.shards = append(of.shards, shard{name: name, since: since, lost: lost, seen: true})
		}
	}
	if len(of.shards) == 0 {
		return
	}
	of.window = 0
	for _, hold := range of.holds {
		of.window = max(of.window, s.Window(hold))
	}
}

// Report calls Config.Held for the services that began to be held or ceased to, and sees to it that Look is called when
// that may change by itself.
func (n *Notices) Report() {
	for i := range n.services {
		of := &n.services[i]
		if len(of.shards) == 0 && !of.held {
			continue
		}
		if held := n.isHeld(of); held != of.held {
			of.held = held
			n.conf.Held(i, held)
		}
	}
}

// isHeld reports whether a shard of a service is held for long enough to be worth a notice, and not for so long that no
// request waits any more.
func (n *Notices) isHeld(of *service) (held bool) {
	of.shards = slices.DeleteFunc(of.shards, func(sh shard) bool { return !sh.seen })
	for i := range of.shards {
		sh := &of.shards[i]
		sh.seen = false
		switch since := n.clock.Now - sh.since; {
		case since >= of.window:
		case !sh.lost && since < notifyAfter:
			n.clock.At(sh.since + notifyAfter)
		default:
			held = true
			n.clock.At(sh.since + of.window)
		}
	}
	return held
}

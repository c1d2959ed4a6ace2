package worker

import (
	"slices"
	"time"

	"evergate/gateway/backend"
	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/session"
	"evergate/routing"
	"evergate/topology"
)

// A server that was stopped, or cut off without a word, closes nothing: its lane is silent when the oldest request that
// was sent has waited for a while without a byte having come. It may also just be busy with a long command, so silence
// is never a failover. The lane takes no new flights: who has nothing on it reads elsewhere or parks, and the control
// plane is told. The first byte ends it.

const (
	// silentMin and silentMax bound what is derived from how long the servers themselves wait (topology.View.DownAfter):
	// a quarter of it.
	silentMin = 100 * time.Millisecond
	silentMax = time.Second
	// slowAfter is when the control plane is asked to look whether a script keeps the server busy.
	slowAfter = 100 * time.Millisecond
	// scriptAfter is how long a script may run before its server is asked whether it answers PING.
	scriptAfter = 20 * time.Millisecond
	// silentRead is the longest that a read waits for one server while another could answer.
	silentRead = 250 * time.Millisecond
	// afreshEvery is the shortest time between two fresh connections to a silent server.
	afreshEvery = time.Second
)

// silences says how long lanes of each purpose may be silent.
func (s *service) silences() (all [backend.Purposes]time.Duration) {
	after := s.SilentAfter
	if after == 0 {
		after = silentMax
		if s.view != nil && s.view.DownAfter > 0 {
			after = min(max(s.view.DownAfter/4, silentMin), silentMax)
		}
	}
	all[backend.Primary], all[backend.Replica], all[backend.Private] = after, min(after, silentRead), after
	all[backend.Feed] = after
	return all
}

// listen looks whether a lane has fallen silent. The loop itself may have been held up: what has come by now is read
// before anything is concluded.
func (w *Worker) listen(l *backend.Lane) {
	if l.Silent || l.Paused || !l.Awaits() || l.Inflight.Front().Flags&backend.Blocking != 0 {
		return
	}
	s := w.services[l.Key.Service]
	silent := l.WaitsFrom + s.silent[l.Key.Purpose]
	late := silent // when reads have waited long enough
	if s.Reads == PreferReplica {
		late = min(silent, l.WaitsFrom+silentRead)
	}
	slow := min(l.WaitsFrom+slowAfter, late)
	if w.clock.Now >= slow && !l.Slow {
		l.Slow = true
		if !l.Retiring {
			w.report(l, topology.ConnectionSlow)
		}
	}
	switch {
	case w.clock.Now < slow:
		w.clock.At(slow)
	case w.clock.Now < late:
		w.clock.At(late)
	case !l.Doubted:
		l.Doubted = true
		w.clock.At(w.clock.Now)
	case w.clock.Now < silent:
		if !l.SentOn {
			l.SentOn = true
			w.readElsewhere(s, l)
		}
		w.clock.At(silent)
	default:
		l.Silent = true
		w.stats.LanesSilent++
		if !l.Retiring {
			w.report(l, topology.ConnectionSilent)
		}
		w.silentFor(l)
		if l.Key.Purpose == backend.Feed {
			w.feedSilent(l)
			return
		}
		w.readElsewhere(s, l)
	}
}

// heard takes note that a lane's server said something.
func (w *Worker) heard(l *backend.Lane) {
	l.WaitsFrom, l.Slow, l.Doubted, l.SentOn = w.clock.Now, false, false, false
	if l.Silent {
		l.Silent = false
		w.releaseHeld(w.services[l.Key.Service])
	}
}

// tryAfresh opens one more connection to a server of which all lanes are silent: a server that is stopped will not
// greet it, one that lives does, where only what was sent on the others takes long. Replicas have others to read from.
func (w *Worker) tryAfresh(set *laneSet) {
	s := w.services[set.key.Service]
	if set.key.Purpose == backend.Replica && s.Reads != OnlyReplica {
		return
	}
	if w.clock.Now < set.afreshAt || len(set.lanes) >= lanesMax {
		return
	}
	set.afreshAt = w.clock.Now + afreshEvery
	w.addLane(set)
}

// readElsewhere takes the reads off a silent lane of those sessions that have no write on it, where another server can
// take them. What the silent one answers in the end is for nobody. The read in front may be what keeps the server busy:
// it is sent on once and no more.
func (w *Worker) readElsewhere(s *service, l *backend.Lane) {
	if s.Reads == FromPrimary || s.view == nil || l.Key.Purpose == backend.Feed || l.Key.Purpose == backend.Private ||
		!w.anotherReads(s, l) {
		return // what is read under a WATCH counts for nothing elsewhere
	}
	writers := map[session.Ref]bool{}
	for t := range l.Inflight.All {
		if t.Flags&backend.Write != 0 {
			writers[t.To] = true
		}
	}
	front, start := true, l.Queue.AnsweredTo()
	for t := range l.Inflight.All {
		first, from := front, start
		front, start = false, t.End
		c := w.client(t.To)
		if c == nil || t.Flags&(backend.Quiet|backend.Internal) != 0 || writers[c.ref] || first && l.Streams ||
			t.Redirects >= retry.RedirectsMax-1 || first && t.Redirects > 0 {
			continue
		}
		w.stats.ReadElsewhere++
		w.recall(c, t, l.Queue.Frame(from, t.End), t.Redirects+1)
	}
}

// anotherReads says that another server of the lane's shard can take reads now.
func (w *Worker) anotherReads(s *service, l *backend.Lane) bool {
	shard := s.view.ShardOf(l.Key.Node)
	if shard < 0 {
		return false
	}
	r := &w.routesFor(s, l.Key.Setup)[shard]
	for _, set := range r.replicas {
		if other, _ := w.usable(set); other != nil {
			return true
		}
	}
	if r.primary == nil || s.Reads == OnlyReplica {
		return false
	}
	other, _ := w.usable(r.primary)
	return other != nil
}

// mayBeInScript says that the primary of a service that is no cluster runs a script for too long, or may do so: one has
// been under way for a while on a lane of some worker. The servers and the control plane take a moment to say so.
func (w *Worker) mayBeInScript(s *service) bool {
	w.tellScript(s)
	return s.view.Primary(0) != nil && !s.view.Sharded && (s.inScript(0) != "" || w.env.LongScripts(s.index, 0) > 0)
}

// tellScript tells all workers whether a script has been under way for a while on a lane of this one, and looks again
// soon if so: nobody has to know how a script can end.
func (w *Worker) tellScript(s *service) {
	add := -s.longScripts
	if slices.ContainsFunc(w.lanes, func(l *backend.Lane) bool { return awaitsScript(s, l, w.clock.Now) }) {
		w.clock.At(w.clock.Now + scriptAfter)
		add++
	}
	s.longScripts += add
	w.env.LongScripts(s.index, add)
}

// awaitsScript says that a script has been under way for a while on a lane to a primary of the service.
func awaitsScript(s *service, l *backend.Lane, now time.Duration) bool {
	if l == nil || l.Key.Service != s.index || l.Key.Purpose == backend.Replica || l.State != backend.Open || l.Retiring ||
		!l.Awaits() || now-l.WaitsFrom < scriptAfter {
		return false
	}
	frame := l.Queue.Frame(l.Queue.AnsweredTo(), l.Inflight.Front().End)
	return isScript(routing.Lookup(resp.Args(frame, nil)))
}

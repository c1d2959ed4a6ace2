package worker

import (
	"slices"
	"time"

	"evergate/gateway/backend"
	"evergate/gateway/wait"
	"evergate/topology"
)

// route is how to reach one shard.
type route struct {
	primary  *laneSet // nil while the shard has no primary
	inScript bool     // it runs a script and takes nothing else (topology.Node.Busy)
	replicas []*laneSet
	next     uint32 // round-robin
}

// laneSet are the lanes of one key: usually one; more while long replies hold the others up.
type laneSet struct {
	key   backend.LaneKey
	addr  string
	runID string // of the server, as far as the view knows it
	lanes []*backend.Lane
	// idle are private lanes that are open and belong to nobody.
	idle []*backend.Lane
	seen uint64 // the last view change that named it
	// wanted: all lanes there may be are busy with long replies, and somebody waits.
	wanted bool
	// singleUntil: a further lane could not be opened, and none is tried until then.
	singleUntil time.Duration
	// afreshAt is when a fresh connection beside silent ones may be tried again.
	afreshAt time.Duration
	// failing: the last private lane could not be opened. Then trial is the one that is being tried, or was.
	failing bool
	trial   *backend.Lane
}

const (
	// lanesMax bounds the lanes of one key of a worker.
	lanesMax = 4
	// redialMin and redialMax bound the pause between two failing dials; the first redial is immediate.
	redialMin = 50 * time.Millisecond
	redialMax = time.Second
	// retireGrace is how long a lane whose node lost its role may take to answer what it was sent, successorGrace how
	// long when the new primary waits for it.
	retireGrace    = time.Second
	successorGrace = 50 * time.Millisecond
	// dialGrace is how long a read waits for a replica that is being dialled while others could serve it.
	dialGrace = 100 * time.Millisecond
	// laneFullRetry bounds how long a session waits for a full lane without being woken.
	laneFullRetry = 100 * time.Millisecond
	// idleLane is how long an additional lane may be unused.
	idleLane = 60 * time.Second
	// steadyAfter is how long a lane must have been open for its end to be met by an immediate redial.
	steadyAfter = time.Second
)

// routes are how to reach the shards of a view with one setup.
type routes struct {
	setup   backend.Setup
	byShard []route
	usedAt  time.Duration
}

// setup is how the connections must be set up that serve a session.
func (c *client) setup() backend.Setup { return backend.Setup{Proto: c.Proto, DB: c.DB} }

// routesFor returns the routes of a service for a setup, made when it is first chosen. There must be a view.
func (w *Worker) routesFor(s *service, setup backend.Setup) []route {
	for i := range s.routes {
		if r := &s.routes[i]; r.setup == setup {
			r.usedAt = w.clock.Now
			return r.byShard
		}
	}
	made := w.makeRoutes(s, setup)
	s.routes = append(s.routes, routes{setup, made, w.clock.Now})
	if setup.DB != 0 {
		w.clock.At(w.clock.Now + idleLane)
	}
	return made
}

// dropIdle closes the lanes to databases that nobody has used for a while.
func (w *Worker) dropIdle(s *service) {
	s.routes = slices.DeleteFunc(s.routes, func(r routes) bool {
		if r.setup.DB == 0 {
			return false
		}
		if idleAt := r.usedAt + idleLane; w.clock.Now < idleAt {
			w.clock.At(idleAt)
			return false
		}
		for i := range r.byShard {
			if p := r.byShard[i].primary; p != nil {
				w.closeIdle(p)
			}
			for _, set := range r.byShard[i].replicas {
				w.closeIdle(set)
			}
		}
		return true
	})
}

// closeIdle closes the lanes of a set on which nothing is under way. The others end with the next view.
func (w *Worker) closeIdle(set *laneSet) {
	for _, l := range slices.Clone(set.lanes) {
		if l.Inflight.Len() == 0 && !l.Leaving {
			w.removeLane(l, backend.Idle)
		}
	}
}

func (w *Worker) makeRoutes(s *service, setup backend.Setup) []route {
	routes := make([]route, len(s.view.Shards))
	for i := range s.view.Shards {
		sh := &s.view.Shards[i]
		r := &routes[i]
		r.next = w.rnd.Uint32()
		if sh.Primary != nil {
			r.primary = w.set(s, sh.Primary, backend.Primary, setup)
			r.inScript = sh.Primary.Busy != ""
			if w.sets[privateKey(s, sh.Primary, setup)] != nil {
				w.privateSet(s, sh.Primary, setup)
			}
		}
		if s.Reads == FromPrimary {
			continue
		}
		for _, n := range sh.Replicas {
			r.replicas = append(r.replicas, w.set(s, n, backend.Replica, setup))
		}
	}
	return routes
}

// set returns the lanes to a node for a purpose; the first one is dialled when the set is made.
func (w *Worker) set(s *service, n *topology.Node, p backend.Purpose, setup backend.Setup) *laneSet {
	key := backend.LaneKey{Service: s.index, Node: n.ID, Purpose: p, Setup: setup}
	set := w.sets[key]
	if set == nil {
		set = &laneSet{key: key}
		w.sets[key] = set
	}
	set.addr = n.Addr
	if set.runID != n.RunID {
		set.runID = n.RunID
		for _, l := range set.lanes {
			if l.State == backend.Waiting { // it may be another server now
				w.dial(l)
			}
		}
	}
	if s.view != nil {
		set.seen = s.view.Epoch
	}
	torn := 0
	for _, l := range set.lanes {
		if l.Torn {
			torn++
		} else {
			l.Retiring = false // the node has its role again
		}
	}
	if len(set.lanes) == torn {
		w.addLane(set)
	}
	return set
}

// addLane opens one more lane. kill are connections to end at the server first, besides those that are known to be.
func (w *Worker) addLane(set *laneSet, kill ...int64) *backend.Lane {
	l := w.newLane(set)
	w.dial(l, kill...)
	return l
}

// newLane adds a lane that is not dialled yet.
func (w *Worker) newLane(set *laneSet) *backend.Lane {
	l := &backend.Lane{Key: set.key, UsedAt: w.clock.Now}
	l.Queue.Blocks = &w.blocks
	if n := len(w.freeLane); n > 0 {
		l.ID = w.freeLane[n-1]
		w.freeLane = w.freeLane[:n-1]
		w.lanes[l.ID] = l
	} else {
		l.ID = backend.LaneID(len(w.lanes))
		w.lanes = append(w.lanes, l)
	}
	set.lanes = append(set.lanes, l)
	return l
}

func (w *Worker) dial(l *backend.Lane, kill ...int64) {
	set := w.sets[l.Key]
	s := w.services[l.Key.Service]
	killIn := set.runID
	l.State, l.DialledAt, l.Now = backend.Dialing, w.clock.Now, l.Key.Setup
	w.clock.At(w.clock.Now + dialGrace)
	w.stats.Dials++
	l.RunID, l.Kill = set.runID, nil
	if !l.Urgent {
		l.Kill, killIn = s.kill.Of(l.Key.Node, set.runID)
	}
	for _, id := range kill {
		if !slices.Contains(l.Kill, id) {
			l.Kill = append(l.Kill, id)
		}
	}
	w.out.Dials = append(w.out.Dials, Dial{
		Lane: l.ID, Service: l.Key.Service, Addr: set.addr, Proto: l.Key.Proto, DB: l.Key.DB, RunID: l.RunID,
		Kill: l.Kill, KillIn: killIn, Urgent: l.Urgent, Private: l.Key.Purpose == backend.Private && !l.Urgent,
		ReadOnly: l.Key.Purpose == backend.Replica && s.view.IsSharded(),
	})
}

// pick finds a lane for a new flight that tolerates this company.
func (w *Worker) pick(c *client, shard int, read bool, with backend.Company) (*backend.Lane, obstacle) {
	routes := w.routesFor(c.svc, c.setup())
	if shard < 0 || shard >= len(routes) {
		return nil, held
	}
	r := &routes[shard]
	if read && c.svc.Reads != FromPrimary {
		best := free
		for range r.replicas {
			r.next++
			l, why := w.laneOf(r.replicas[r.next%uint32(len(r.replicas))], with)
			if l != nil {
				return l, free
			}
			if why == soonLane || why == laneFull && best == free {
				best = why
			}
		}
		switch {
		case best != free:
			return nil, best
		case c.svc.Reads == OnlyReplica && len(r.replicas) == 0:
			return nil, noServer
		case c.svc.Reads == OnlyReplica:
			return nil, noReplica
		}
	}
	if r.primary == nil {
		return nil, held
	}
	if r.inScript {
		return nil, runsScript
	}
	return w.laneOf(r.primary, with)
}

// usable returns a lane of the set that takes new flights. When all are busy with long replies one more is opened.
// soon says that there will be one in a moment.
func (w *Worker) usable(set *laneSet) (l *backend.Lane, soon bool) {
	busy, silent, trying := 0, 0, false
	if len(set.lanes) == 0 {
		w.addLane(set)
	}
	for _, l := range set.lanes {
		if l.Usable(w.clock.Now) {
			return l, false
		}
		trying = trying || l.State != backend.Open
		switch {
		case l.State == backend.Dialing && l.Attempts == 0 && w.clock.Now-l.DialledAt < dialGrace:
			soon = true
		case l.Silent:
			silent++
		case l.State == backend.Open && l.Busy():
			busy++
		}
	}
	if busy > 0 && !soon {
		soon = true
		if w.mayAddLane(set) {
			w.addLane(set)
		} else {
			set.wanted = true
		}
	}
	if silent > 0 && !trying {
		w.tryAfresh(set)
	}
	return nil, soon
}

// viewChanged takes a new view: routes are made anew, lanes that no route needs any more are retired, and everybody
// who waits decides again.
func (w *Worker) viewChanged(s *service, v *topology.View) {
	old := s.view
	s.view = v
	w.moveHolds(s, old)
	w.clock.Ring(wait.Never, w.placeOf)
	former := s.routes
	s.routes = nil
	if v != nil {
		w.routesFor(s, backend.Setup{Proto: 2}) // its lanes are there before the first client
		for i := range former {
			if w.clock.Now-former[i].usedAt < idleLane || former[i].setup.DB == 0 {
				w.routesFor(s, former[i].setup)
			}
		}
	}
	w.releaseHeld(s)
	s.silent = s.silences()
	w.noteSwitches(s, old)
	w.judge(s, old)
	w.leave(s, old)
	w.viewFeeds(s)
}

// removeLane closes a lane for good. What is in flight on it must have been dealt with.
func (w *Worker) removeLane(l *backend.Lane, why backend.LostReason) {
	if l.State == backend.Gone {
		return
	}
	if l.State == backend.Open || l.State == backend.Dialing {
		w.out.CloseLanes = append(w.out.CloseLanes, l.ID)
	}
	w.stats.LanesLost[why]++
	l.State = backend.Gone
	w.lanes[l.ID] = nil
	w.freedLane[0] = append(w.freedLane[0], l.ID)
	w.out.Dials = slices.DeleteFunc(w.out.Dials, func(d Dial) bool { return d.Lane == l.ID })
	set := w.sets[l.Key]
	if l.Key.Purpose == backend.Private {
		w.pinLost(l, why == backend.DialFailed)
	}
	for i := range set.lanes {
		if set.lanes[i] == l {
			set.lanes = append(set.lanes[:i], set.lanes[i+1:]...)
			break
		}
	}
	if len(set.lanes) == 0 && !w.needed(set) {
		delete(w.sets, l.Key)
	}
	if l.Leaving {
		w.settleService(w.services[l.Key.Service])
	}
}

// needed says that the present view names the set.
func (w *Worker) needed(set *laneSet) bool {
	v := w.services[set.key.Service].view
	return v != nil && set.seen == v.Epoch
}

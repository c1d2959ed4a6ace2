package worker

import (
	"evergate/gateway/backend"
	"evergate/gateway/fanout"
	"evergate/routing"
	"evergate/topology"
)

// Where a topic must be subscribed: a channel of a slot at the slot's primary; where events about keys may come, at
// every primary; all else at one primary, the home, since what is published in a cluster comes to every node. The hub
// keeps the books of it; here servers are told what is due.

// place finds the sources of topics under the present view, and tells the servers. All are placed before anybody is
// told of a gap.
func (w *Worker) place(s *service, topics ...*fanout.Topic) {
	var left []*fanout.Topic
	since := w.clock.Now
	for _, t := range topics {
		was := t.On()
		nodes := s.hub.Place(t, w.sourcesOf(s, t))
		for _, node := range nodes {
			left = append(left, t)
			if l := w.openFeed(s, node); l != nil && l.Silent {
				since = min(since, l.WaitsFrom)
			}
		}
		if was && !t.On() && len(nodes) == 0 { // events may come at one more primary, and are not heard there yet
			left = append(left, t)
		}
	}
	w.gapBegins(s, left, since)
	w.tellDue(s, topics...)
	w.gapMayEnd(s)
}

// placeAll places every topic anew.
func (w *Worker) placeAll(s *service) {
	s.home = w.chooseHome(s)
	w.place(s, s.hub.All()...)
}

// feedsAgain asks again for what servers could not take, when it is time.
func (w *Worker) feedsAgain(s *service) {
	switch {
	case s.feedAt == 0:
	case w.clock.Now < s.feedAt:
		w.clock.At(s.feedAt)
	default:
		s.feedAt = 0
		w.tellDue(s, s.hub.All()...)
	}
}

// tellDue tells servers what is due of topics. Where there is no feed one is opened, and told then; a node that is no
// primary is told nothing until it is one, or its feed ends.
func (w *Worker) tellDue(s *service, topics ...*fanout.Topic) {
	for _, t := range topics {
		for i := range t.Sources {
			source, verb := &t.Sources[i], ""
			switch source.Due() {
			case fanout.Begin:
				verb = beginVerbs[t.Kind]
			case fanout.End:
				verb = endVerbs[t.Kind]
			case fanout.Nothing:
				continue
			}
			if l := w.feedTo(s, source.Node); l != nil {
				l.UsedAt = w.clock.Now
				w.tell(l, s.hub.Sending(t, source), verb, t.Name)
			}
		}
	}
}

// sourcesOf lists the nodes at which a topic must be subscribed.
func (w *Worker) sourcesOf(s *service, t *fanout.Topic) []topology.NodeID {
	nodes := w.nodes[:0]
	switch {
	case s.view.IsSharded() && t.Kind == fanout.Shard:
		nodes = append(nodes, w.sourceIn(s, s.view.Shard(routing.Slot([]byte(t.Name)))))
	case s.view.IsSharded() && t.Events:
		for i := range s.view.Shards {
			if node := w.sourceIn(s, &s.view.Shards[i]); node != fanout.Nowhere {
				nodes = append(nodes, node)
			}
		}
		if len(nodes) == 0 {
			nodes = append(nodes, fanout.Nowhere)
		}
	default:
		nodes = append(nodes, s.home)
	}
	w.nodes = nodes
	return nodes
}

// sourceIn is the node of a shard that is subscribed to: its primary, or the former one while it is still connected and
// there is no other.
func (w *Worker) sourceIn(s *service, sh *topology.Shard) topology.NodeID {
	switch {
	case sh == nil:
	case sh.Primary != nil:
		return sh.Primary.ID
	case sh.Demoted != nil && w.openFeed(s, sh.Demoted.ID) != nil:
		return sh.Demoted.ID
	}
	return fanout.Nowhere
}

// openFeed returns the feed to a node, or nil while there is none.
func (w *Worker) openFeed(s *service, node topology.NodeID) *backend.Lane {
	set := w.sets[feedKey(s, node)]
	if set == nil || len(set.lanes) == 0 || set.lanes[0].State != backend.Open {
		return nil
	}
	return set.lanes[0]
}

// chooseHome finds the node for what every node would say. In a cluster it is changed where another primary may be
// reached sooner.
func (w *Worker) chooseHome(s *service) topology.NodeID {
	switch {
	case s.view == nil || len(s.view.Shards) == 0:
		return fanout.Nowhere
	case !s.view.Sharded:
		return w.sourceIn(s, &s.view.Shards[0])
	}
	failed := func(node topology.NodeID) bool {
		at, known := s.feedFailed[node]
		return known && w.clock.Now-at < redialMax
	}
	is := s.view.LedBy(s.home) >= 0
	if is && !failed(s.home) {
		return s.home
	}
	n := len(s.view.Shards)
	other, start := fanout.Nowhere, w.rnd.IntN(n)
	for i := range n {
		p := s.view.Shards[(start+i)%n].Primary
		switch {
		case p == nil:
		case !failed(p.ID):
			return p.ID
		default:
			other = p.ID
		}
	}
	if is {
		return s.home
	}
	return other
}

// viewFeeds has the feeds follow a new view.
func (w *Worker) viewFeeds(s *service) {
	w.placeAll(s)
	w.sweepFeeds(s)
}

// sweepFeeds ends the feeds to nodes that are subscribed to no more.
func (w *Worker) sweepFeeds(s *service) {
	for _, l := range w.lanes {
		if l == nil || l.Key.Service != s.index || l.Key.Purpose != backend.Feed {
			continue
		}
		set := w.sets[l.Key]
		if s.view == nil || s.hub.Uses(l.Key.Node) == 0 {
			set.seen = 0
			w.endFeed(s, l, backend.Retired)
			continue
		}
		set.seen = s.view.Epoch
	}
}

// endFeed closes a feed that nobody needs.
func (w *Worker) endFeed(s *service, l *backend.Lane, why backend.LostReason) {
	if w.sets[l.Key].lanes[0] == l {
		s.hub.Lost(l.Key.Node)
	}
	w.removeLane(l, why)
}

func feedKey(s *service, node topology.NodeID) backend.LaneKey {
	return backend.LaneKey{Service: s.index, Node: node, Purpose: backend.Feed, Setup: backend.Setup{Proto: 3}}
}

// feedTo returns the feed to a primary when it can be told something; else there will be one.
func (w *Worker) feedTo(s *service, node topology.NodeID) *backend.Lane {
	shard := s.view.LedBy(node)
	if shard < 0 {
		return nil
	}
	n := s.view.Shards[shard].Primary
	key := feedKey(s, node)
	set := w.sets[key]
	if set == nil {
		set = &laneSet{key: key}
		w.sets[key] = set
	}
	set.addr, set.runID, set.seen = n.Addr, n.RunID, s.view.Epoch
	if len(set.lanes) == 0 {
		w.addLane(set)
	}
	return w.openFeed(s, node)
}

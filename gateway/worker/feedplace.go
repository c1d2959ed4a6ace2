package worker

import (
	"evergate/gateway/fanout"
	"evergate/gateway/upstream"
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
			if l := s.OpenSubscription(node); l != nil && l.Silent {
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
			if l := s.SubscriptionTo(source.Node); l != nil {
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
	case s.View.IsSharded() && t.Kind == fanout.Shard:
		nodes = append(nodes, w.sourceIn(s, s.View.Shard(routing.Slot([]byte(t.Name)))))
	case s.View.IsSharded() && t.Events:
		for i := range s.View.Shards {
			if node := w.sourceIn(s, &s.View.Shards[i]); node != fanout.Nowhere {
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
	case sh.Demoted != nil && s.OpenSubscription(sh.Demoted.ID) != nil:
		return sh.Demoted.ID
	}
	return fanout.Nowhere
}

// chooseHome finds the node for what every node would say. In a cluster it is changed where another primary may be
// reached sooner.
func (w *Worker) chooseHome(s *service) topology.NodeID {
	switch {
	case s.View == nil || len(s.View.Shards) == 0:
		return fanout.Nowhere
	case !s.View.Sharded:
		return w.sourceIn(s, &s.View.Shards[0])
	}
	failed := func(node topology.NodeID) bool {
		at, known := s.feedFailed[node]
		return known && w.clock.Now-at < upstream.RedialMax
	}
	is := s.View.LedBy(s.home) >= 0
	if is && !failed(s.home) {
		return s.home
	}
	n := len(s.View.Shards)
	other, start := fanout.Nowhere, w.rnd.IntN(n)
	for i := range n {
		p := s.View.Shards[(start+i)%n].Primary
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
	for l := range w.pool.All {
		if l.Key.Service != s.Index || l.Key.Purpose != upstream.Subscription {
			continue
		}
		used := s.View != nil && s.hub.Uses(l.Key.Node) > 0
		w.pool.Need(l, used)
		if !used {
			w.endFeed(s, l, upstream.Retired)
		}
	}
}

// endFeed closes a feed that nobody needs.
func (w *Worker) endFeed(s *service, l *upstream.Conn, why upstream.LostReason) {
	if w.pool.First(l) == l {
		s.hub.Lost(l.Key.Node)
	}
	w.pool.Remove(l, why)
}

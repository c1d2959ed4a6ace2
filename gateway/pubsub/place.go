package pubsub

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
func (s *Subscriptions) place(topics ...*fanout.Topic) {
	var left []*fanout.Topic
	since := s.pubsub.Clock.Now
	for _, t := range topics {
		was := t.On()
		nodes := s.hub.Place(t, s.sourcesOf(t))
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
	s.gapBegins(left, since)
	s.sendDue(topics...)
	s.gapMayEnd()
}

// placeAll places every topic anew.
func (s *Subscriptions) placeAll() {
	s.home = s.chooseHome()
	s.place(s.hub.All()...)
}

// Due asks again for what servers could not take, when it is time.
func (s *Subscriptions) Due() {
	switch {
	case s.retryAt == 0:
	case s.pubsub.Clock.Now < s.retryAt:
		s.pubsub.Clock.At(s.retryAt)
	default:
		s.retryAt = 0
		s.sendDue(s.hub.All()...)
	}
}

// sendDue tells servers what is due of topics. Where there is no subscription connection one is opened, and told then;
// a node that is no primary is told nothing until it is one, or its subscription connection ends.
func (s *Subscriptions) sendDue(topics ...*fanout.Topic) {
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
				l.UsedAt = s.pubsub.Clock.Now
				s.pubsub.send(l, s.hub.Sending(t, source), verb, t.Name)
			}
		}
	}
}

// sourcesOf lists the nodes at which a topic must be subscribed.
func (s *Subscriptions) sourcesOf(t *fanout.Topic) []topology.NodeID {
	nodes := s.pubsub.nodes[:0]
	switch {
	case s.View.IsSharded() && t.Kind == fanout.Shard:
		nodes = append(nodes, s.sourceIn(s.View.Shard(routing.Slot([]byte(t.Name)))))
	case s.View.IsSharded() && t.Events:
		for i := range s.View.Shards {
			if node := s.sourceIn(&s.View.Shards[i]); node != fanout.Nowhere {
				nodes = append(nodes, node)
			}
		}
		if len(nodes) == 0 {
			nodes = append(nodes, fanout.Nowhere)
		}
	default:
		nodes = append(nodes, s.home)
	}
	s.pubsub.nodes = nodes
	return nodes
}

// sourceIn is the node of a shard that is subscribed to: its primary, or the former one while it is still connected and
// there is no other.
func (s *Subscriptions) sourceIn(sh *topology.Shard) topology.NodeID {
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
func (s *Subscriptions) chooseHome() topology.NodeID {
	switch {
	case s.View == nil || len(s.View.Shards) == 0:
		return fanout.Nowhere
	case !s.View.Sharded:
		return s.sourceIn(&s.View.Shards[0])
	}
	failed := func(node topology.NodeID) bool {
		at, known := s.failedAt[node]
		return known && s.pubsub.Clock.Now-at < upstream.RedialMax
	}
	is := s.View.LedBy(s.home) >= 0
	if is && !failed(s.home) {
		return s.home
	}
	n := len(s.View.Shards)
	other, start := fanout.Nowhere, s.pubsub.Rand.IntN(n)
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

// Follow has the subscription connections follow a new view.
func (s *Subscriptions) Follow() {
	s.placeAll()
	s.sweep()
}

// sweep ends the subscription connections to nodes that are subscribed to no more.
func (s *Subscriptions) sweep() {
	for l := range s.pubsub.Pool.All {
		if l.Key.Service != s.Index || l.Key.Purpose != upstream.Subscription {
			continue
		}
		used := s.View != nil && s.hub.Uses(l.Key.Node) > 0
		s.pubsub.Pool.Need(l, used)
		if !used {
			s.end(l, upstream.Retired)
		}
	}
}

// end closes a subscription connection that nobody needs.
func (s *Subscriptions) end(l *upstream.Conn, why upstream.LostReason) {
	if s.pubsub.Pool.First(l) == l {
		s.hub.Lost(l.Key.Node)
	}
	s.pubsub.Pool.Remove(l, why)
}

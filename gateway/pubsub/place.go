package pubsub

import (
	"evergate/gateway/fanout"
	"evergate/gateway/upstream"
	"evergate/routing"
	"evergate/topology"
)

// Where a topic must be subscribed: a shard channel at the primary of its slot; a channel of events about keys at every
// primary; any other one at one primary, the home, since what is published in a cluster reaches every node. The hub
// records what each server was asked and has acknowledged; here the commands that are due are sent.

// place sets the nodes of topics under the present view, and sends what is due. All are placed before a gap is
// reported.
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
		if was && !t.On() && len(nodes) == 0 { // one more primary may send events, and is not subscribed to yet
			left = append(left, t)
		}
	}
	s.gapBegins(left, since)
	s.sendDue(topics...)
	s.gapMayEnd()
}

// placeAll places every topic.
func (s *Subscriptions) placeAll() {
	s.home = s.chooseHome()
	s.place(s.hub.All()...)
}

// Due sends rejected subscriptions again when it is time.
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

// sendDue sends the commands that are due for topics. Where there is no subscription connection one is dialled, and
// they are sent when it is open. A node that is no primary gets none until it is one, or its connection ends.
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
				l.Use(s.pubsub.Clock.Now)
				s.pubsub.send(l, s.hub.Sending(t, source), verb, t.Name)
			}
		}
	}
}

// sourcesOf returns the nodes at which a topic must be subscribed. The slice is valid until the next call.
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

// sourceIn is the node of a shard to subscribe at: its primary, or the demoted one while that is still connected and
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

// chooseHome chooses the node for what every node would send. In a cluster it changes where another primary may be
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

// Follow places the topics under a new view, and closes connections that are not needed any more.
func (s *Subscriptions) Follow() {
	s.placeAll()
	s.sweep()
}

// sweep closes the subscription connections to nodes at which nothing is subscribed any more.
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

// end closes a subscription connection that is not needed.
func (s *Subscriptions) end(l *upstream.Conn, why upstream.LostReason) {
	if s.pubsub.Pool.First(l) == l {
		s.hub.Lost(l.Key.Node)
	}
	s.pubsub.Pool.Remove(l, why)
}

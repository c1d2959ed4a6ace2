package upstream

import "evergate/topology"

// subscriptionKey is the Key of the subscription connection to a node.
func subscriptionKey(s *Servers, node topology.NodeID) Key {
	return Key{Service: s.Index, Node: node, Purpose: Subscription, Setup: Setup{Proto: 3}}
}

// SubscriptionTo returns the subscription connection to a primary when it is open, and dials it when there is none. It
// returns nil until it is open, and for a node that is no primary.
func (s *Servers) SubscriptionTo(node topology.NodeID) *Conn {
	shard := s.View.LedBy(node)
	if shard < 0 {
		return nil
	}
	n := s.View.Shards[shard].Primary
	key := subscriptionKey(s, node)
	set := s.pool.sets[key]
	if set == nil {
		set = &Set{servers: s, key: key}
		s.pool.sets[key] = set
	}
	set.addr, set.RunID, set.seen = n.Addr, n.RunID, s.View.Epoch
	if len(set.conns) == 0 {
		set.add()
	}
	return s.OpenSubscription(node)
}

// OpenSubscription returns the subscription connection to a node when it is open, or nil.
func (s *Servers) OpenSubscription(node topology.NodeID) *Conn {
	set := s.pool.sets[subscriptionKey(s, node)]
	if set == nil || len(set.conns) == 0 || set.conns[0].State != Open {
		return nil
	}
	return set.conns[0]
}

// HasSubscription reports whether there is a subscription connection to a node, open or not.
func (s *Servers) HasSubscription(node topology.NodeID) bool {
	set := s.pool.sets[subscriptionKey(s, node)]
	return set != nil && len(set.conns) > 0
}

// Need records whether the present view needs a subscription connection.
func (p *Pool) Need(l *Conn, needed bool) {
	set := p.sets[l.Key]
	if set.seen = 0; needed {
		set.seen = p.servers[l.Key.Service].View.Epoch
	}
}

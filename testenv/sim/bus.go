package sim

import (
	"fmt"
	"time"

	"evergate/routing"
	"evergate/topology"
)

// The nodes of a Redis Cluster, as far as a gateway sees them: each has its own picture of who is primary of which
// slots, with an epoch; pictures spread from node to node, and the higher epoch wins. A replica whose primary most of
// the primaries cannot reach asks them for their votes. Slots stay where they are: their moves are the oracle's.

// member is what a node knows of its cluster.
type member struct {
	// claims are who is primary of each shard, as far as this node knows; heardAt is when it heard of each node last.
	claims  []claim
	heardAt []time.Duration
	// voted is the last epoch in which it gave its vote, electAt when it asks for votes.
	voted   uint64
	electAt time.Duration
	busAt   time.Duration
}

type claim struct {
	primary *node
	epoch   uint64
}

// buildBus makes three shards with a replica or two each, and workers that share a keeper.
func (w *world) buildBus(outputMax int) {
	const shards = 3
	if w.o.Seed%2 == 0 {
		w.formedAt = w.between(10*time.Millisecond, 2*time.Second)
	}
	w.pace.downAfter = w.between(200*time.Millisecond, 800*time.Millisecond)
	for i := range shards {
		s := &shard{index: i, ranges: topology.SlotRange{First: i * topology.Slots / shards,
			Last: (i+1)*topology.Slots/shards - 1}}
		w.shards = append(w.shards, s)
		for k := range 2 + w.rnd.IntN(2) {
			w.startHistory(w.addNode(s), k == 0)
		}
	}
	for _, n := range w.nodes {
		n.heardAt = make([]time.Duration, len(w.nodes))
		for i, s := range w.shards {
			n.claims = append(n.claims, claim{s.nodes[0], uint64(i + 1)})
		}
	}
	w.makeWorkers(outputMax)
}

// gossip is a node's turn on the bus.
func (n *node) gossip() {
	w := n.w
	if !n.up() || w.now < n.busAt {
		return
	}
	n.busAt = w.now + w.between(5*time.Millisecond, 40*time.Millisecond)
	for _, o := range w.nodes {
		if o == n || !o.up() || w.cut(n.place(), o.place()) {
			continue
		}
		n.heardAt[o.id], o.heardAt[n.id] = w.now, w.now
		if w.rnd.IntN(3) == 0 || w.calm {
			n.learn(o.claims)
			o.learn(n.claims)
		}
	}
	n.stand()
}

// learn takes what has a higher epoch, and follows who is primary of the node's own shard.
func (n *node) learn(claims []claim) {
	for i, c := range claims {
		if c.epoch > n.claims[i].epoch {
			n.claims[i] = c
		}
	}
	if p := n.claims[n.shard.index].primary; p != n {
		n.demote(p)
	}
}

// misses says that a node has not heard of another for too long.
func (n *node) misses(o *node) bool {
	return n != o && n.w.now-n.heardAt[o.id] > n.w.pace.downAfter
}

// failed says that most primaries miss a node, as far as n can ask them.
func (n *node) failed(o *node) bool {
	count := 0
	for _, c := range n.claims {
		q := c.primary
		if q != o && !n.misses(q) && q.misses(o) {
			count++
		}
	}
	return 2*count > len(n.claims)
}

// down says that the node serves nothing: a shard has no primary, or it is cut from most of them.
func (n *node) down() bool {
	missed := 0
	for _, c := range n.claims {
		if n.failed(c.primary) {
			return true
		}
		if n.misses(c.primary) {
			missed++
		}
	}
	return 2*missed > len(n.claims)
}

// stand has a replica of a failed primary ask for votes, after a while.
func (n *node) stand() {
	w, p := n.w, n.claims[n.shard.index].primary
	if n.primary || p == n || n.link == linkSyncing || !n.failed(p) {
		n.electAt = 0
		return
	}
	if n.electAt == 0 {
		n.electAt = w.now + w.between(20*time.Millisecond, 300*time.Millisecond)
	}
	if w.now < n.electAt {
		return
	}
	n.electAt = 0
	epoch, votes := w.nextEpoch(), 0
	for _, c := range n.claims {
		if q := c.primary; q != p && q.up() && q.primary && !w.cut(n.place(), q.place()) && q.voted < epoch {
			q.voted = epoch
			votes++
		}
	}
	w.tracef("%s has %d votes for epoch %d", n.addr, votes, epoch)
	if 2*votes > len(n.claims) {
		n.rise(epoch)
	}
}

// nextEpoch is one that nobody has used.
func (w *world) nextEpoch() uint64 {
	epoch := uint64(0)
	for _, n := range w.nodes {
		for _, c := range n.claims {
			epoch = max(epoch, c.epoch, n.voted)
		}
	}
	return epoch + 1
}

// rise makes a node the primary of its shard.
func (n *node) rise(epoch uint64) {
	n.claims[n.shard.index] = claim{n, epoch}
	n.promote()
}

// handOver is CLUSTER FAILOVER at a replica: the primary waits until it has everything.
func (n *node) handOver() {
	p := n.following
	if p == nil || !p.primary || !p.up() || !n.up() || n.link != linkUp || n.w.cut(n.place(), p.place()) {
		return
	}
	n.w.tracef("CLUSTER FAILOVER at %s", n.addr)
	for _, wr := range n.queue {
		n.apply(wr)
	}
	n.rise(n.w.nextEpoch())
	p.learn(n.claims)
}

// redirectByBus says where a command belongs, as far as the node knows; empty when it belongs here.
func (n *node) redirectByBus(l *lane, keys []string, read bool) string {
	slot := routing.Slot([]byte(keys[0]))
	for _, k := range keys {
		if routing.Slot([]byte(k)) != slot {
			return "CROSSSLOT Keys in request don't hash to the same slot"
		}
	}
	if n.down() {
		return "CLUSTERDOWN The cluster is down"
	}
	s := n.w.owner(slot)
	c := n.claims[s.index]
	if c.primary == n && n.primary || s == n.shard && read && l.readOnly && !n.primary {
		return ""
	}
	return fmt.Sprintf("MOVED %d %s", slot, c.primary.addr)
}

// ip is what a node is called by those who have not heard its hostname, and by its replicas for ever.
func (n *node) ip() string { return fmt.Sprintf("10.0.0.%d:%d", n.id, 7000+n.id) }

// slotsSeen is the node's slot map. While the cluster forms nobody has slots, and all go by their IP addresses.
func (n *node) slotsSeen() topology.SlotsSeen {
	seen := topology.SlotsSeen{Asked: n.addr, HasEpochs: true, NodeTimeout: n.w.pace.downAfter}
	if n.w.now < n.w.formedAt {
		for _, o := range n.w.nodes {
			seen.Shards = append(seen.Shards, topology.ShardSeen{Primary: topology.MemberSeen{Addr: o.ip(), Healthy: true}})
		}
		return seen
	}
	for i, s := range n.w.shards {
		c := n.claims[i]
		told := topology.ShardSeen{Slots: []topology.SlotRange{s.ranges}, Epoch: c.epoch,
			Primary: topology.MemberSeen{Addr: c.primary.addr, Healthy: !n.failed(c.primary)}}
		for _, r := range s.nodes {
			if r != c.primary {
				told.Replicas = append(told.Replicas, topology.MemberSeen{Addr: r.addr, Healthy: !n.failed(r)})
			}
		}
		seen.Shards = append(seen.Shards, told)
	}
	return seen
}

// busDisagreement is what is left to be settled in a cluster; empty when nothing is.
func (w *world) busDisagreement() string {
	v := w.keeper.view
	for i, s := range w.shards {
		p := w.nodes[0].claims[i].primary
		if !p.primary {
			return p.addr + " is no primary"
		}
		for _, n := range w.nodes {
			if n.claims[i].primary != p || n.down() {
				return fmt.Sprintf("%s names %s, down %v", n.addr, n.claims[i].primary.addr, n.down())
			}
		}
		for _, n := range s.nodes {
			if n != p && (n.following != p || n.link != linkUp) {
				return n.addr + " does not copy " + p.addr
			}
		}
		if v == nil {
			return "no view"
		}
		sh := v.Shard(s.ranges.First)
		if sh == nil || w.nodeOf(sh.Primary) != p || sh.Condition != topology.Steady ||
			len(sh.Replicas) != len(s.nodes)-1 {
			return fmt.Sprintf("view %d names%s, %s is primary", v.Epoch, describe(v), p.addr)
		}
	}
	return ""
}

package redis

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
	// Claims are who is primary of each shard, as far as this node knows; heardAt is when it heard of each node last.
	Claims  []claim
	heardAt []time.Duration
	// voted is the last epoch in which it gave its vote, electAt when it asks for votes.
	voted   uint64
	electAt time.Duration
	busAt   time.Duration
}

type claim struct {
	Primary *Node
	epoch   uint64
}

// gossip is a node's turn on the bus.
func (n *Node) gossip() {
	w := n.w
	if !n.Up() || w.Now < n.busAt {
		return
	}
	n.busAt = w.Now + w.Between(5*time.Millisecond, 40*time.Millisecond)
	for _, o := range w.Nodes {
		if o == n || !o.Up() || w.Cut(n.Place(), o.Place()) {
			continue
		}
		n.heardAt[o.ID], o.heardAt[n.ID] = w.Now, w.Now
		if w.Rnd.IntN(3) == 0 || w.Calm {
			n.learn(o.Claims)
			o.learn(n.Claims)
		}
	}
	n.stand()
}

// learn takes what has a higher epoch, and follows who is primary of the node's own shard.
func (n *Node) learn(claims []claim) {
	for i, c := range claims {
		if c.epoch > n.Claims[i].epoch {
			n.Claims[i] = c
		}
	}
	if p := n.Claims[n.shard.Index].Primary; p != n {
		n.Demote(p)
	}
}

// misses says that a node has not heard of another for too long.
func (n *Node) misses(o *Node) bool {
	return n != o && n.w.Now-n.heardAt[o.ID] > n.w.DownAfter
}

// failed says that most primaries miss a node, as far as n can ask them.
func (n *Node) failed(o *Node) bool {
	count := 0
	for _, c := range n.Claims {
		q := c.Primary
		if q != o && !n.misses(q) && q.misses(o) {
			count++
		}
	}
	return 2*count > len(n.Claims)
}

// down says that the node serves nothing: a shard has no primary, or it is cut from most of them.
func (n *Node) down() bool {
	missed := 0
	for _, c := range n.Claims {
		if n.failed(c.Primary) {
			return true
		}
		if n.misses(c.Primary) {
			missed++
		}
	}
	return 2*missed > len(n.Claims)
}

// stand has a replica of a failed primary ask for votes, after a while.
func (n *Node) stand() {
	w, p := n.w, n.Claims[n.shard.Index].Primary
	if n.Primary || p == n || n.Link == linkSyncing || !n.failed(p) {
		n.electAt = 0
		return
	}
	if n.electAt == 0 {
		n.electAt = w.Now + w.Between(20*time.Millisecond, 300*time.Millisecond)
	}
	if w.Now < n.electAt {
		return
	}
	n.electAt = 0
	epoch, votes := w.nextEpoch(), 0
	for _, c := range n.Claims {
		if q := c.Primary; q != p && q.Up() && q.Primary && !w.Cut(n.Place(), q.Place()) && q.voted < epoch {
			q.voted = epoch
			votes++
		}
	}
	w.Tracef("%s has %d votes for epoch %d", n.Addr, votes, epoch)
	if 2*votes > len(n.Claims) {
		n.rise(epoch)
	}
}

// nextEpoch is one that nobody has used.
func (w *Servers) nextEpoch() uint64 {
	epoch := uint64(0)
	for _, n := range w.Nodes {
		for _, c := range n.Claims {
			epoch = max(epoch, c.epoch, n.voted)
		}
	}
	return epoch + 1
}

// rise makes a node the primary of its shard.
func (n *Node) rise(epoch uint64) {
	n.Claims[n.shard.Index] = claim{n, epoch}
	n.Promote()
}

// HandOver is CLUSTER FAILOVER at a replica: the primary waits until it has everything.
func (n *Node) HandOver() {
	p := n.Following
	if p == nil || !p.Primary || !p.Up() || !n.Up() || n.Link != LinkUp || n.w.Cut(n.Place(), p.Place()) {
		return
	}
	n.w.Tracef("CLUSTER FAILOVER at %s", n.Addr)
	n.CatchUp()
	n.rise(n.w.nextEpoch())
	p.learn(n.Claims)
}

// redirectByBus says where a command belongs, as far as the node knows; empty when it belongs here.
func (n *Node) redirectByBus(l *Conn, keys []string, read bool) string {
	slot := routing.Slot([]byte(keys[0]))
	for _, k := range keys {
		if routing.Slot([]byte(k)) != slot {
			return "CROSSSLOT Keys in request don't hash to the same slot"
		}
	}
	if n.down() {
		return "CLUSTERDOWN The cluster is down"
	}
	s := n.w.Owner(slot)
	c := n.Claims[s.Index]
	if c.Primary == n && n.Primary || s == n.shard && read && l.readOnly && !n.Primary {
		return ""
	}
	return fmt.Sprintf("MOVED %d %s", slot, c.Primary.Addr)
}

// ip is what a node is called by those who have not heard its hostname, and by its replicas for ever.
func (n *Node) ip() string { return fmt.Sprintf("10.0.0.%d:%d", n.ID, 7000+n.ID) }

// SlotsSeen is the node's slot map. While the cluster forms nobody has slots, and all go by their IP addresses.
func (n *Node) SlotsSeen() topology.SlotsSeen {
	seen := topology.SlotsSeen{Asked: n.Addr, HasEpochs: true, NodeTimeout: n.w.DownAfter}
	if n.w.Now < n.w.formedAt {
		for _, o := range n.w.Nodes {
			seen.Shards = append(seen.Shards, topology.ShardSeen{Primary: topology.MemberSeen{Addr: o.ip(), Healthy: true}})
		}
		return seen
	}
	for i, s := range n.w.Shards {
		c := n.Claims[i]
		told := topology.ShardSeen{Slots: []topology.SlotRange{s.Ranges}, Epoch: c.epoch,
			Primary: topology.MemberSeen{Addr: c.Primary.Addr, Healthy: !n.failed(c.Primary)}}
		for _, r := range s.Nodes {
			if r != c.Primary {
				told.Replicas = append(told.Replicas, topology.MemberSeen{Addr: r.Addr, Healthy: !n.failed(r)})
			}
		}
		seen.Shards = append(seen.Shards, told)
	}
	return seen
}

// buildBus makes three shards with a replica or two each.
func (w *Servers) buildBus() {
	const shards = 3
	if w.Options.Seed%2 == 0 {
		w.formedAt = w.Between(10*time.Millisecond, 2*time.Second)
	}
	w.DownAfter = w.Between(200*time.Millisecond, 800*time.Millisecond)
	for i := range shards {
		s := &Shard{Index: i, Ranges: topology.SlotRange{First: i * topology.Slots / shards,
			Last: (i+1)*topology.Slots/shards - 1}}
		w.Shards = append(w.Shards, s)
		for k := range 2 + w.Rnd.IntN(2) {
			w.startHistory(w.addNode(s), k == 0)
		}
	}
	for _, n := range w.Nodes {
		n.heardAt = make([]time.Duration, len(w.Nodes))
		for i, s := range w.Shards {
			n.Claims = append(n.Claims, claim{s.Nodes[0], uint64(i + 1)})
		}
	}
}

// Unsettled is what the nodes of a cluster have to settle yet; empty when nothing is.
func (w *Servers) Unsettled() string {
	for i, s := range w.Shards {
		p := w.Nodes[0].Claims[i].Primary
		if !p.Primary {
			return p.Addr + " is no primary"
		}
		for _, n := range w.Nodes {
			if n.Claims[i].Primary != p || n.down() {
				return fmt.Sprintf("%s names %s, down %v", n.Addr, n.Claims[i].Primary.Addr, n.down())
			}
		}
		for _, n := range s.Nodes {
			if n != p && (n.Following != p || n.Link != LinkUp) {
				return n.Addr + " does not copy " + p.Addr
			}
		}
	}
	return ""
}

// Package redis simulates servers: their data, replication, restarts, transactions and subscriptions, the connections
// that they have, and the bus of a cluster. It knows what a server knows: no view, no worker, no client's mind. Each
// command that it executes goes to the ledger.
package redis

import (
	"fmt"
	"slices"
	"time"

	"evergate/gateway/session"
	"evergate/testenv/sim/ledger"
	"evergate/testenv/sim/network"
	"evergate/testenv/sim/scenario"
	"evergate/topology"
)

// Servers are the nodes of a run, and the connections that they have.
type Servers struct {
	*network.Net
	Ledger *ledger.Ledger
	Nodes  []*Node
	Shards []*Shard
	Moving map[int]*Shard // slot -> its next owner
	Owners map[int]*Shard // slot -> its owner, where it is not the owner of the range
	// DownAfter is how long a node of a cluster may be silent before others take it for failed.
	DownAfter time.Duration
	// formedAt is when a cluster has formed that the gateway sees from its beginning; zero where it sees it later.
	formedAt   time.Duration
	Sockets    []*Conn // all connections that a node still has
	subscribed []*Conn // those that a node was told to subscribe on
	lastClient int64   // of any node
	// Ended counts the connections that a node was told to end on another one that was open before, and which had bytes.
	Ended int
	// executes is told of each write as a node executes it.
	executes func(n *Node, at int)
	// Reads is told of each read of keys; nil: of none.
	Reads func(n *Node, at int, keys []string)
}

// New returns the servers of a run, connected and without faults.
func New(w *network.Net, l *ledger.Ledger, executes func(n *Node, at int)) *Servers {
	s := &Servers{Net: w, Ledger: l, Moving: map[int]*Shard{}, Owners: map[int]*Shard{}, executes: executes}
	switch w.Options.Voice {
	case scenario.Sentinels:
		s.buildShard()
	case scenario.Bus:
		s.buildBus()
	case scenario.Oracle:
		s.buildPlain()
	}
	return s
}

// ServeSockets lets the nodes work on their connections.
func (w *Servers) ServeSockets() {
	kept := w.Sockets[:0]
	for _, l := range w.Sockets {
		n := l.Node
		if l.served && n.Up() && !w.Cut(network.Gateway, n.Place()) {
			n.serve(l)
		}
		if l.Gone && l.ToNode.Size == 0 && w.Now >= l.lateUntil { // the node reads the end
			l.served = false
		}
		if l.served || !l.Gone {
			kept = append(kept, l)
		}
	}
	clear(w.Sockets[len(kept):])
	w.Sockets = kept
}

// Shard is what is true: who is primary of what.
type Shard struct {
	Index   int
	Primary *Node
	Nodes   []*Node
	Ranges  topology.SlotRange
}

func (w *Servers) addNode(s *Shard) *Node {
	id := len(w.Nodes)
	addr := fmt.Sprintf("node%d:%d", id, 7000+id)
	n := &Node{w: w, ID: id, Addr: addr, shard: s, data: map[string]int{}, Alive: true, pace: 1 << 20}
	n.View = &topology.Node{ID: topology.NodeID(id), Addr: addr, Announced: addr, Version: "7.2.4"}
	s.Nodes = append(s.Nodes, n)
	w.Nodes = append(w.Nodes, n)
	w.Join(n.Place(), addr)
	return n
}

// Owner returns the shard of a slot.
func (w *Servers) Owner(slot int) *Shard {
	if s := w.Owners[slot]; s != nil {
		return s
	}
	for _, s := range w.Shards {
		if slot >= s.Ranges.First && slot <= s.Ranges.Last {
			return s
		}
	}
	return nil
}

// startHistory gives a node its run and its history: that of the first node of its shard.
func (w *Servers) startHistory(n *Node, primary bool) {
	first := n.shard.Nodes[0]
	n.Primary, n.RunID, n.Has = primary, w.Name(), map[int]bool{}
	n.replID = fmt.Sprintf("first%d", n.shard.Index)
	if primary {
		n.Led = []string{n.replID}
	} else {
		n.Following, n.Link = first, LinkUp
	}
	n.lag = w.Between(0, 5*time.Millisecond)
	if w.Rnd.IntN(2) == 0 && !w.Options.Planned {
		n.lag = w.Between(0, 200*time.Millisecond)
	}
	n.Save()
}

// NodeByRole finds a running node that is primary, or one that is not; nil when there is none.
func (w *Servers) NodeByRole(primary bool) *Node {
	for _, n := range w.Nodes {
		if n.Primary == primary && n.Up() {
			return n
		}
	}
	return nil
}

// buildPlain makes a shard with a replica or two, or three shards with a replica each.
func (w *Servers) buildPlain() {
	count, replicas := 1, 1+w.Rnd.IntN(2)
	if w.Options.Cluster {
		count, replicas = 3, 1
	}
	for i := range count {
		s := &Shard{Index: i}
		s.Ranges = topology.SlotRange{First: i * topology.Slots / count, Last: (i+1)*topology.Slots/count - 1}
		for range 1 + replicas {
			w.addNode(s)
		}
		s.Primary = s.Nodes[0]
		s.Primary.Primary = true
		for _, n := range s.Nodes {
			if w.Options.Consistency == session.Gateway { // replicas are proven by their runs and histories
				n.RunID, n.replID = w.Name(), s.Primary.replID
				n.View = &topology.Node{ID: n.View.ID, Addr: n.Addr, Announced: n.Addr, Version: n.View.Version, RunID: n.RunID}
			}
		}
		w.Shards = append(w.Shards, s)
	}
}

// buildShard makes one shard whose servers replicate.
func (w *Servers) buildShard() {
	s := &Shard{}
	for i := range 2 + w.Rnd.IntN(2) {
		w.startHistory(w.addNode(s), i == 0)
	}
	w.Shards = append(w.Shards, s)
}

// Turn lets replicas and the bus come one step further.
func (w *Servers) Turn() {
	for _, n := range w.Nodes {
		if !w.Options.RealState() {
			n.replicate()
			acknowledgeInTime(n, n.shard.Primary)
			continue
		}
		n.copyPrimary()
		if w.Options.Voice == scenario.Bus {
			n.gossip()
		}
	}
}

// AtRest says that nothing is under way on any connection.
func (w *Servers) AtRest() bool {
	return !slices.ContainsFunc(w.Sockets, func(l *Conn) bool { return !l.AtRest() })
}

// Topics counts on how many connections each topic is subscribed to.
func (w *Servers) Topics() map[string]int {
	count := map[string]int{}
	for _, l := range w.subscribed {
		for topic := range l.has {
			if !l.Gone && l.served {
				count[topic]++
			}
		}
	}
	return count
}

// Describe names the primaries of a view.
func Describe(v *topology.View) string {
	text := ""
	for _, s := range v.Shards {
		if s.Primary == nil {
			text += " held"
			continue
		}
		text += " " + s.Primary.Addr
	}
	return text
}

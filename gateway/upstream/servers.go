package upstream

import (
	"strconv"
	"time"

	"evergate/topology"
)

// replicasComeIn is how long after a switch a lack of replicas is waited out: Sentinel sends them to the new primary
// about a second after it was promoted.
const replicasComeIn = 5 * time.Second

// Servers are those of one service, as a pool reaches them.
type Servers struct {
	pool        *Pool
	Index       int
	Name        string
	Reads       Reads
	silentAfter time.Duration
	View        *topology.View
	routes      []routes // those of RESP2 and database 0 first; the others since somebody chose them
	// left is the epoch of the last view left behind.
	left uint64
	// kill are connections to end at a node before a new one is used.
	kill KillList
	// promoted is since when a node is a primary, where it was none before.
	promoted map[topology.NodeID]time.Duration
	// silent is how long a connection may be silent, by purpose.
	silent [Purposes]time.Duration
}

// Add adds a service.
func (p *Pool) Add(name string, reads Reads, silentAfter time.Duration) *Servers {
	s := &Servers{
		pool: p, Index: len(p.servers), Name: name, Reads: reads, silentAfter: silentAfter,
		promoted: map[topology.NodeID]time.Duration{},
	}
	p.servers = append(p.servers, s)
	return s
}

// NodeName is how texts call a node.
func (s *Servers) NodeName(id topology.NodeID) string {
	if n := s.View.Node(id); n != nil {
		return n.Addr
	}
	return "node " + strconv.Itoa(int(id))
}

// ShardName is how texts call a shard.
func (s *Servers) ShardName(shard int) string {
	if s.View == nil || shard < 0 || shard >= len(s.View.Shards) {
		return "the key's slot"
	}
	return "shard '" + s.View.Shards[shard].Name + "'"
}

// NoteSwitches remembers since when nodes are primaries that were none in the view before.
func (s *Servers) NoteSwitches(old *topology.View) {
	if old == nil || s.View == nil {
		return
	}
	was := map[topology.NodeID]bool{}
	for i := range old.Shards {
		if p := old.Shards[i].Primary; p != nil {
			was[p.ID] = true
		}
	}
	for i := range s.View.Shards {
		if p := s.View.Shards[i].Primary; p != nil && !was[p.ID] {
			s.promoted[p.ID] = s.pool.Clock.Now
		}
	}
}

// JustSwitched says that a connection's node became a primary so lately that its replicas may still be on their way.
func (p *Pool) JustSwitched(l *Conn) bool {
	at, ok := p.servers[l.Key.Service].promoted[l.Key.Node]
	return ok && p.Clock.Now-at < replicasComeIn
}

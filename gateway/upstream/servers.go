package upstream

import (
	"strconv"
	"time"

	"evergate/gateway/freshness"
	"evergate/gateway/session"
	"evergate/topology"
)

// replicasComeIn is for how long after a failover a lack of replicas is waited out: Sentinel reconfigures them about a
// second after the promotion.
const replicasComeIn = 5 * time.Second

// Servers are those of one service, as a pool reaches them.
type Servers struct {
	pool *Pool
	// Index is its own; Of is that of the service in the settings, another one for the sub-service of a user (AddUser).
	Index int
	Of    int
	// As are what the servers are shown; nil: the gateway's own.
	As *session.Credentials
	// Lazy: connections are opened when they are needed, and closed when they were not for IdleAfter.
	Lazy bool
	// conns counts the connections, of all purposes.
	conns int
	// measured is what was measured of each node, by NodeID. A sub-service leaves it to Of: it may be dropped.
	measured    []*Measured
	Name        string
	Reads       session.Reads
	silentAfter time.Duration
	View        *topology.View
	routes      []routes // those of RESP2 and database 0 first; others from their first use on
	// left is the epoch of the last view whose demoted primaries owe nothing any more.
	left uint64
	// kill has the stale connections of all workers.
	kill *KillList
	// promoted is since when a node is a primary, if it was none in the view before.
	promoted map[topology.NodeID]time.Duration
	// reportNotBefore is when the control plane may be asked again for the replicas of a primary.
	reportNotBefore time.Duration
	// silent is for how long a connection may be silent, by purpose.
	silent [Purposes]time.Duration
	// marker is for the marks of writes, late are those that may still be executed.
	marker
	late []lateWrite
	// homes has, for each shard of the view, the replicas among which sessions are spread.
	homes []homes
	hedging
	// switched: a session has chosen to read from replicas where that is not set.
	switched bool
}

// Add adds a service. silentAfter is for how long a server may be silent before it gets no new requests; 0: derived
// from the servers' own timeout. fresh has the service's writes in flight, kill its stale connections, of all workers.
func (p *Pool) Add(name string, reads session.Reads, silentAfter time.Duration, fresh *freshness.Service,
	kill *KillList) *Servers {
	s := &Servers{
		pool: p, Index: p.added, Of: p.added, Name: name, Reads: reads, silentAfter: silentAfter, kill: kill,
		promoted: map[topology.NodeID]time.Duration{}, marker: marker{&p.marks, fresh},
	}
	p.added++
	p.put(s)
	return s
}

// put records servers at their Index.
func (p *Pool) put(s *Servers) {
	for s.Index >= len(p.servers) {
		p.servers = append(p.servers, nil)
	}
	p.servers[s.Index] = s
}

// SetPolicy replaces which servers serve reads, and for how long one may be silent. Renew and Leave do what follows
// from it, in that order, as after a new view.
func (s *Servers) SetPolicy(reads session.Reads, silentAfter time.Duration) {
	s.silentAfter = silentAfter
	if reads == session.FromPrimary && s.switched {
		reads = session.PreferReplica
	}
	if reads == s.Reads {
		return
	}
	s.Reads = reads
	for key, set := range s.pool.sets {
		if key.Service == s.Index && key.Purpose == Replica {
			set.seen = 0 // not needed, unless Renew finds it so
		}
	}
}

// NodeName is the name of a node in texts: its address, if the view has it.
func (s *Servers) NodeName(id topology.NodeID) string {
	if n := s.View.Node(id); n != nil {
		return n.Addr
	}
	return "node " + strconv.Itoa(int(id))
}

// ShardName is the name of a shard in texts.
func (s *Servers) ShardName(shard int) string {
	if s.View == nil || shard < 0 || shard >= len(s.View.Shards) {
		return "the key's slot"
	}
	return "shard '" + s.View.Shards[shard].Name + "'"
}

// NoteSwitches records which nodes were promoted between the view old and the present one.
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

// JustSwitched reports whether a connection's node was promoted so recently that replicas may still be missing.
func (p *Pool) JustSwitched(l *Conn) bool {
	at, ok := p.servers[l.Key.Service].promoted[l.Key.Node]
	return ok && p.Clock.Now-at < replicasComeIn
}

// SetView takes a new view. Renew and Leave do what follows from it, in that order.
func (s *Servers) SetView(v *topology.View) {
	s.View = v
	s.forgetTimes()
	s.renewHomes()
}

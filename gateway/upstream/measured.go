package upstream

import (
	"evergate/gateway/latency"
	"evergate/gateway/wait"
	"evergate/topology"
)

// Took are how long a node took to answer requests, in microseconds: reads first, then writes.
type Took [2]latency.Histogram

// Measured is what a worker has measured of one node of a service, over all connections that it has or had there.
type Measured struct {
	// Answers is how many requests of clients the node has answered. It never falls. Requests that it rejected and that
	// were retried are not among them.
	Answers uint64
	// Took are from the sending of each of them to its reply. Blocking commands are not among them, nor requests whose
	// client has left. Conns are the connections that there were. Both are nil without a connection to a node outside of
	// the view: nodes may come and go for ever.
	Took  *Took
	Conns *ConnCounts
	// conns is how many connections lead there.
	conns int
}

// ConnCounts count connections to a node: those that were opened, those that have ended or could not be opened, by
// reason, and how often one fell silent.
type ConnCounts struct {
	Opened, Silent uint64
	Lost           [LostReasons]uint64
}

// Add adds what another worker has counted.
func (c *ConnCounts) Add(o *ConnCounts) {
	c.Opened, c.Silent = c.Opened+o.Opened, c.Silent+o.Silent
	for why, n := range o.Lost {
		c.Lost[why] += n
	}
}

// lost counts a connection that has ended, or could not be opened.
func (s *Stats) lost(l *Conn, why LostReason) {
	s.ConnsLost[why]++
	l.measured.Conns.Lost[why]++
}

// Measured calls yield for each node that has, or had, connections of a service, or of a user's sub-service.
func (p *Pool) Measured(yield func(of int, node topology.NodeID, m *Measured)) {
	for _, s := range p.servers {
		if s == nil || s.Of != s.Index {
			continue
		}
		for id, m := range s.measured {
			if m != nil {
				yield(s.Index, topology.NodeID(id), m)
			}
		}
	}
}

// measuredAt counts a connection to a node, and returns what is measured there.
func (s *Servers) measuredAt(node topology.NodeID) *Measured {
	of := s.pool.servers[s.Of]
	if missing := int(node) + 1 - len(of.measured); missing > 0 {
		of.measured = append(of.measured, make([]*Measured, missing)...)
	}
	m := of.measured[node]
	if m == nil {
		m = &Measured{}
		of.measured[node] = m
	}
	if m.Took == nil {
		m.Took, m.Conns = &Took{}, &ConnCounts{}
	}
	m.conns++
	return m
}

// forgetTimes drops the times of the nodes that are not in the view and have no connection.
func (s *Servers) forgetTimes() {
	for id, m := range s.pool.servers[s.Of].measured {
		if m != nil && m.conns == 0 && s.View.Node(topology.NodeID(id)) == nil {
			m.Took, m.Conns = nil, nil
		}
	}
}

// AnsweredAt records that the reply to the request in front has come.
func (l *Conn) AnsweredAt(now wait.Stamp) {
	l.Answered = now
	l.measured.Answers++
}

// CountTime counts the time from the sending of a request to its reply in microseconds, which belongs to a bucket.
func (l *Conn) CountTime(p *Pending, bucket latency.Bucket, us uint32) {
	l.measured.Took[p.Flags&Write].AddIn(bucket, us)
}

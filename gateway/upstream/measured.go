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
	// client has left. Nil without a connection to a node outside of the view: nodes may come and go for ever.
	Took *Took
	// conns is how many connections lead there.
	conns int
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
		m.Took = &Took{}
	}
	m.conns++
	return m
}

// forgetTimes drops the times of the nodes that are not in the view and have no connection.
func (s *Servers) forgetTimes() {
	for id, m := range s.pool.servers[s.Of].measured {
		if m != nil && m.conns == 0 && s.View.Node(topology.NodeID(id)) == nil {
			m.Took = nil
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

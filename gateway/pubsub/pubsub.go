// Package pubsub keeps servers subscribed to what a worker's sessions listen to. One subscription connection to a node
// carries the subscriptions of all sessions. The package decides at which nodes a topic is subscribed (place.go), reads
// what servers send (conn.go), follows views, and reports gaps: times in which messages may have been missed (gap.go).
// Which session listens to what is kept by fanout.Hub.
//
// Begin with Subscriptions.Want, then read place and PubSub.Read.
//
// It knows servers and topics. It must not know what sessions do with a message: it knows them by their Ref alone, and
// calls Listeners.
package pubsub

import (
	"math/rand/v2"
	"time"

	"evergate/gateway/blocks"
	"evergate/gateway/fanout"
	"evergate/gateway/retry"
	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/topology"
)

// Config is what a PubSub needs. It shares Clock, Rand, Blocks and Pool with its listeners. All fields are required.
type Config struct {
	Clock     *wait.Clock
	Rand      *rand.Rand
	Blocks    *blocks.Pool
	Pool      *upstream.Pool
	Listeners Listeners
	// GapEnded is called when a gap has ended.
	GapEnded func(service int, g Gap)
	// Counted is called when a topic gains or loses listeners; see fanout.Hub.
	Counted func(service int, k fanout.Kind, name string, node topology.NodeID, listeners, conns int)
}

// Listeners are the sessions that subscribe. A PubSub calls these methods within its own.
type Listeners interface {
	// Fan delivers a message to all listeners of a topic. frame is a push of RESP3, valid during the call, and must not
	// be changed.
	Fan(t *fanout.Topic, frame []byte)
	// Resume wakes a session if it waits for an acknowledgement, Close closes it.
	Resume(ref session.Ref)
	Close(ref session.Ref, why session.CloseReason)
	// Rejected counts an error of a server that no client gets. Moved handles a MOVED of this kind.
	Rejected(kind retry.Kind)
	Moved(l *upstream.Conn, reply []byte)
}

// PubSub has the subscriptions of a worker's sessions, and keeps the servers subscribed. New makes it.
type PubSub struct {
	Config
	services []*Subscriptions
	args     [][]byte          // scratch of awaited
	nodes    []topology.NodeID // scratch of sourcesOf
	counts   Counters
	sent     uint64 // commands on subscription connections
}

// Counters are the counters of a PubSub since its start.
type Counters struct {
	// Messages came on subscription connections. Pings were sent there to check whether the server is alive.
	Messages uint64
	Pings    uint64
	// Gaps are times in which messages may have been missed, GapMillis the sum of those that have ended.
	Gaps      uint64
	GapMillis uint64
}

// Subscriptions are those of the sessions of one service.
type Subscriptions struct {
	*upstream.Servers
	pubsub     *PubSub
	closeOnGap bool
	// hub has the listeners of each topic. home is the node at which a topic is subscribed that any node would do for.
	// failedAt is when the last connection to a node failed. retryAt is when a rejected subscription is sent again; 0
	// for none.
	hub      fanout.Hub
	home     topology.NodeID
	failedAt map[topology.NodeID]time.Duration
	retryAt  time.Duration
	// gapSince is when topics were interrupted that are not all subscribed again; 0 when they are.
	gapSince time.Duration
	gap      Gap
}

// New makes a PubSub without services.
func New(conf Config) *PubSub { return &PubSub{Config: conf} }

// Add adds a service, in place of one with its Index that nobody used any more. closeOnGap: subscribers that may have
// missed messages are closed.
func (p *PubSub) Add(s *upstream.Servers, closeOnGap bool) *Subscriptions {
	of := &Subscriptions{
		Servers: s, pubsub: p, closeOnGap: closeOnGap, home: fanout.Nowhere,
		failedAt: map[topology.NodeID]time.Duration{},
	}
	of.hub.Counted = func(k fanout.Kind, name string, node topology.NodeID, listeners, conns int) {
		p.Counted(s.Of, k, name, node, listeners, conns)
	}
	for s.Index >= len(p.services) {
		p.services = append(p.services, nil)
	}
	p.services[s.Index] = of
	return of
}

// Forget forgets the service with this Index, which has no session and no connection.
func (p *PubSub) Forget(index int) { p.services[index] = nil }

// SetCloseOnGap replaces what becomes of subscribers that may have missed messages, in gaps that begin from now on.
func (s *Subscriptions) SetCloseOnGap(closes bool) { s.closeOnGap = closes }

// Stats returns the counters, and how many commands were sent to servers.
func (p *PubSub) Stats() (counts Counters, sent uint64) { return p.counts, p.sent }

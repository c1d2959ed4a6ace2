// Package pubsub keeps servers subscribed to what a worker's sessions listen to: one connection to a node carries the
// subscriptions of all. It decides at which nodes a topic is subscribed, follows views, and tells of times in which
// messages may have been missed. It knows sessions by their Ref alone, and nothing of their output.
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

// Config of a pubsub, which shares Clock, Rand, Blocks and Pool with its listeners.
type Config struct {
	Clock     *wait.Clock
	Rand      *rand.Rand
	Blocks    *blocks.Pool
	Pool      *upstream.Pool
	Listeners Listeners
	// GapEnded tells of a time in which subscribers may have missed messages.
	GapEnded func(service int, g Gap)
	// Counted is told of listeners that come and go; see fanout.Hub.
	Counted func(service int, k fanout.Kind, name string, node topology.NodeID, listeners, conns int)
}

// Listeners are the sessions that subscribe. Its methods are called in the middle of a pubsub's own.
type Listeners interface {
	// Fan gives a message to all who listen to a topic. The frame is not kept, nor changed.
	Fan(t *fanout.Topic, frame []byte)
	// Resume wakes a session if it waits, close ends it.
	Resume(who session.Ref)
	Close(who session.Ref, why session.CloseReason)
	// Rejected counts an error of a server that no client sees; moved takes in what MOVED says.
	Rejected(kind retry.Kind)
	Moved(l *upstream.Conn, reply []byte)
}

// PubSub has what a worker's sessions are subscribed to, and keeps the servers subscribed to it.
type PubSub struct {
	Config
	services []*Subscriptions
	args     [][]byte          // scratch of awaited
	nodes    []topology.NodeID // scratch of sourcesOf
	counts   Counters
	sent     uint64 // commands on subscription connections
}

// Counters are a pubsub's counters.
type Counters struct {
	// FeedMessages came on subscription connections. FeedPings asked these whether they live.
	FeedMessages uint64
	FeedPings    uint64
	// FeedGaps are times in which messages may have been missed, FeedGapMillis how long those that have ended were.
	FeedGaps      uint64
	FeedGapMillis uint64
}

// Subscriptions are those of one service.
type Subscriptions struct {
	*upstream.Servers
	pubsub     *PubSub
	closeOnGap bool
	// hub is who listens to what. home is the node at which topics are subscribed that any node would do for; failedAt
	// is when connections to nodes failed last; retryAt when what was refused is asked for again, 0 for not.
	hub      fanout.Hub
	home     topology.NodeID
	failedAt map[topology.NodeID]time.Duration
	retryAt  time.Duration
	// gapSince is when topics were interrupted that are not all subscribed again; 0 when they are.
	gapSince time.Duration
	gap      Gap
}

// New makes a pubsub without services.
func New(conf Config) *PubSub { return &PubSub{Config: conf} }

// Add adds a service. closeOnGap: the connections of subscribers that may have missed messages are closed.
func (p *PubSub) Add(s *upstream.Servers, closeOnGap bool) *Subscriptions {
	of := &Subscriptions{
		Servers: s, pubsub: p, closeOnGap: closeOnGap, home: fanout.Nowhere,
		failedAt: map[topology.NodeID]time.Duration{},
	}
	of.hub.Counted = func(k fanout.Kind, name string, node topology.NodeID, listeners, conns int) {
		p.Counted(s.Index, k, name, node, listeners, conns)
	}
	p.services = append(p.services, of)
	return of
}

// Stats returns the counters, and how many commands were sent to servers.
func (p *PubSub) Stats() (counts Counters, sent uint64) { return p.counts, p.sent }

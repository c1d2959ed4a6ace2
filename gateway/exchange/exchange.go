// Package exchange carries requests of clients to servers and replies back. A verb says what a session sends, and
// where; the exchange chooses the connection, keeps the session's order, makes it wait while no server can take the
// request, retries what was not executed, and withholds the replies of demoted primaries. It knows no command but by
// its traits, and does no I/O.
//
// What cannot go on blocks its session: the request stays unread in the client's input, and is decided anew, under the
// view of that moment, when the session runs again.
package exchange

import (
	"time"

	"evergate/gateway/blocks"
	"evergate/gateway/catalog"
	"evergate/gateway/retry"
	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/topology"
)

// Config is what an Exchange needs. All fields but the limits of waiting are required.
type Config struct {
	Clock  *wait.Clock
	Pool   *upstream.Pool
	Blocks *blocks.Pool
	Verbs  Verbs
	// QueryBytesMax bounds what a client has sent and is not begun, OutputBytesMax the replies that are kept for it.
	QueryBytesMax  int
	OutputBytesMax int
	// PushBytesMax is how many bytes may wait for a client when a message comes for it; past that it is closed.
	PushBytesMax int
	// HoldSessionsMax and HoldBytesMax bound the sessions that wait for a server, and what they have sent meanwhile. Zero:
	// no bound.
	HoldSessionsMax int
	HoldBytesMax    int
	// IdleMax and AuthMax are how long a client may be idle, and unauthenticated. Zero: for ever.
	IdleMax time.Duration
	AuthMax time.Duration
	// Report passes on what was seen on a connection, Acked counts the writes that a node acknowledged.
	Report func(service int, r topology.Report)
	Acked  func(service int, node topology.NodeID, n int)
	// Unserved tells that a request was answered LOADING, and why, Cut of a subscriber that was closed because it reads
	// too slowly.
	Unserved func(service int, why string)
	Cut      func(service int, s Slow)
	// ClientNumber returns a number for CLIENT ID that no other client of this process has.
	ClientNumber func() int64
}

// Verbs are the commands above an Exchange: what it cannot know of them. They are called rarely.
type Verbs interface {
	// Resend retries the first of a session's requests, or answers it. It returns false when the session was blocked.
	Resend(c *Session, a *retry.Entry) bool
	// Internal takes the reply to what no client has asked for; nil when its connection was lost.
	Internal(l *upstream.Conn, tag uint32, reply []byte)
	// Reply takes a whole reply.
	Reply(l *upstream.Conn, reply []byte)
	// Unlisten ends all that a session listens to: nothing more is read from its client.
	Unlisten(c *Session)
	// Closed ends the rest when the session is closed.
	Closed(c *Session)
}

// Composite is a request whose one reply is made of several parts, or in several steps. Parts of a session's Composites
// come through Exchange.settle.
type Composite interface {
	// Seq is the place of its reply.
	Seq() uint32
	// Take takes the reply to one part.
	Take(c *Session, part int16, reply []byte)
	// Apart reports whether each part concerns its own shard alone.
	Apart() bool
	// Size is how many bytes are kept of it for its client, counted anew: it is for tests.
	Size() int
	// OnlyAsks reports whether a part asks for what no later request of the session changes.
	OnlyAsks(part int16) bool
}

// Exchange carries requests and replies. New makes it.
type Exchange struct {
	conf   Config
	clock  *wait.Clock
	pool   *upstream.Pool
	blocks *blocks.Pool
	totals Totals

	served []*Service // by index
	args   [][]byte   // scratch

	Table
	Waiting
	Retries
	Dedications
	Pushes
}

// New makes an Exchange.
func New(conf Config) *Exchange {
	x := &Exchange{conf: conf, clock: conf.Clock, pool: conf.Pool, blocks: conf.Blocks}
	x.Table.x, x.Waiting.x, x.Retries.x, x.Dedications.x, x.Pushes.x = x, x, x, x, x
	return x
}

// Service is what an Exchange keeps of one service.
type Service struct {
	*upstream.Servers
	// Catalog is what its servers have said of commands, functions and databases.
	Catalog      *catalog.Catalog
	x            *Exchange
	blockingLost BlockingLost
	allowed      map[string]bool
	holds        []wait.Buffer
	full         wait.List // sessions that wait for a full connection
	// withholding are the sessions with withheld replies.
	withholding []session.Ref
	// none is the rare of all clients that own none: nothing but zero is written to it.
	none rare
}

// Serve adds a service. allowed are the commands that are done though they may harm, by their names in the table of
// package routing.
func (x *Exchange) Serve(s *upstream.Servers, learnt *catalog.Catalog, lost BlockingLost, allowed map[string]bool,
) *Service {
	served := &Service{Servers: s, Catalog: learnt, x: x, blockingLost: lost, holds: make([]wait.Buffer, 1),
		allowed: allowed}
	x.served = append(x.served, served)
	return served
}

// Served is the service that a connection belongs to.
func (x *Exchange) Served(l *upstream.Conn) *Service { return x.served[l.Key.Service] }

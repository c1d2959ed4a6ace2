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

	served   []*Service  // by index
	clients  []*Session  // by id; nil where none is connected
	free     []uint32    // ids to use again
	freed    [2][]uint32 // ids of clients that left: not yet told to the loop, and told in the round under way
	open     int
	endings  int    // clients that are to be closed and are owed something
	nextSeen uint32 // generation of the next client
	sweepAt  time.Duration
	args     [][]byte  // scratch
	outs     ClientOut // being filled
	given    ClientOut // in the hands of the loop

	Waiting
	Dedications
	Pushes
}

// Waiting are the sessions that wait.
type Waiting struct {
	x       *Exchange
	waiting wait.Load // those that wait for a server
}

// Dedications are the connections that belong to one session each.
type Dedications struct{ x *Exchange }

// Pushes are what clients are given that is no reply.
type Pushes struct {
	x *Exchange
	// gathered are clients whose messages wait for others, since gatheredAt. publishes is the connection that the last
	// message was sent on, publishEnd the offset behind it.
	gathered   []session.Ref
	gatheredAt time.Duration
	publishes  *upstream.Conn
	publishEnd uint64
}

// New makes an Exchange.
func New(conf Config) *Exchange {
	x := &Exchange{conf: conf, clock: conf.Clock, pool: conf.Pool, blocks: conf.Blocks}
	x.Waiting.x, x.Dedications.x, x.Pushes.x = x, x, x
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

// ClientOut is what the loop must do for clients at the end of a round. It is valid until the next Turn.
type ClientOut struct {
	// Clients have bytes to write: ask ClientBytes, say ClientWrote.
	Clients []uint32
	// CloseClients are to be closed now; nothing more is said of them.
	CloseClients []uint32
	// ReadClients switches reading from clients on or off, in order.
	ReadClients []ClientReading
}

// ClientReading switches reading from a client on or off.
type ClientReading struct {
	Client uint32
	On     bool
}

func (o *ClientOut) empty() bool { return len(o.Clients)+len(o.CloseClients)+len(o.ReadClients) == 0 }

// Turn returns what the round has brought for clients.
func (x *Exchange) Turn() *ClientOut {
	x.outs, x.given = x.given, x.outs
	x.outs.Clients, x.outs.CloseClients, x.outs.ReadClients = x.outs.Clients[:0], x.outs.CloseClients[:0],
		x.outs.ReadClients[:0]
	// The number of a client that left is free when the loop has closed the connection: until then an event of the old
	// one must not be taken for one of the new.
	x.free = append(x.free, x.freed[1]...)
	x.freed[0], x.freed[1] = x.freed[1][:0], x.freed[0]
	return &x.given
}

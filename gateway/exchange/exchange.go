// Package exchange carries the requests of clients to servers, and the replies back. It is the middle of the data
// plane: the rooms above it (multi, transaction, dedicated and others, and the worker for single commands) decide what
// a session sends and to which shard; the exchange does the rest, the same for all of them. It
//
//	chooses the upstream connection               choose.go; dedicated.go for one that serves a single session
//	sends                                         send.go
//	delivers replies in order                     deliver.go; stream.go for long ones, push.go for messages
//	blocks a session that cannot go on            block.go; buffer.go while a shard has no usable server
//	retries what was not executed                 retry.go; sendback.go after a rejection, lost.go after a loss
//	withholds the replies of demoted primaries    withheld.go
//	asks another server for a read                elsewhere.go
//	bounds what it reads from a client            input.go; what is sent ahead: Session.OwedTooMuch
//	ends a session                                leave.go; halfclosed.go when its client has sent all it will
//
// Begin with Exchange and Session, then read Choose, Send and Deliver.
//
// It knows servers through upstream, a client's bytes through downstream, and commands by their traits alone: what one
// means, and how its parts become one reply, is the knowledge of the rooms above, which it calls through Verbs and
// Composite. It does no I/O, starts no goroutine, and takes the time from its Clock; one worker's thread makes all
// calls.
//
// A session that cannot go on is blocked, and no queue of requests is kept for it: the request stays unread in the
// client's input, and is decided again, under the view of that moment, when the session resumes. The exceptions are
// requests that were sent once and must be retried (Retries): they are done before anything new is read.
//
// A frame or a reply that is passed in belongs to the caller, and is copied where it is kept, except where a field says
// otherwise.
package exchange

import (
	"time"

	"evergate/gateway/access"
	"evergate/gateway/account"
	"evergate/gateway/blocks"
	"evergate/gateway/catalog"
	"evergate/gateway/retry"
	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/topology"
)

// Config has what an Exchange needs. All fields are required, except the limits for which zero means no bound.
type Config struct {
	Clock  *wait.Clock
	Pool   *upstream.Pool
	Blocks *blocks.Pool
	Verbs  Verbs
	// QueryBytesMax is how many unread bytes are kept of a client's input, OutputBytesMax how many bytes of replies and
	// messages are kept for a client. A client that exceeds one of them is closed. Both are positive.
	QueryBytesMax  int
	OutputBytesMax int
	// PushBytesMax is how many bytes may be unwritten after a message was added to a client's output; a subscriber that
	// exceeds it is closed. It is positive.
	PushBytesMax int
	// OutputSoft and PushSoft are the soft limits beside OutputBytesMax and PushBytesMax.
	OutputSoft SoftLimit
	PushSoft   SoftLimit
	// HoldSessionsMax bounds how many sessions may wait for a server at once, HoldBytesMax their unread input in bytes.
	// Past either, further requests are answered with an error at once. Zero: no bound.
	HoldSessionsMax int
	HoldBytesMax    int
	// IdleMax is how long a client may go without sending a command, AuthMax how long it may take to authenticate.
	// Zero: no bound.
	IdleMax time.Duration
	AuthMax time.Duration
	// Report passes on an observation to the control plane. Acked counts n writes that a node acknowledged.
	Report func(service int, r topology.Report)
	Acked  func(service int, node topology.NodeID, n int)
	// Unserved is called for each request that is answered with -LOADING, Cut for each client that was closed because it
	// reads too slowly, or because all clients take too much memory. Both are for the log.
	Unserved func(service int, why string)
	Cut      func(service int, c Cut)
	// Memory bounds what is kept for all clients.
	Memory account.Bound
	// LongScripts adds add to the number of workers that wait for a long script of a service, and returns the sum.
	LongScripts func(service, add int) int
	// ClientNumber returns a number for CLIENT ID that no other client of this process has or had.
	ClientNumber func() int64
}

// Verbs are the commands above an Exchange: it calls them for what depends on the meaning of a command. Only Reply is
// called often.
type Verbs interface {
	// Resend sends the request that its session must retry first, or answers it. It returns false when the session was
	// blocked. a is valid until the session's retries change.
	Resend(c *Session, a *retry.Entry) bool
	// Internal takes the reply to a request of the gateway itself, with the tag that the request was sent with, and nil
	// when its connection was lost. reply is valid during the call.
	Internal(l *upstream.Conn, tag uint32, reply []byte)
	// Reply takes a whole frame that a server sent: the reply to the request at the front, or a push. It is valid
	// during the call.
	Reply(l *upstream.Conn, reply []byte)
	// Unlisten ends all subscriptions of a session: its client is about to be closed.
	Unlisten(c *Session)
	// Closed releases what other rooms have of a session that was closed.
	Closed(c *Session)
}

// Composite is a request whose single reply is made of the replies to several parts, or to several steps. Its room
// registers it with Session.Compose, sends the parts with Request.Part set, and gets their replies through Settle.
type Composite interface {
	// Seq is the place of its reply among those of the session.
	Seq() uint32
	// Take takes the reply to one part, which is valid during the call. With the last one it delivers its own reply.
	Take(c *Session, part int16, reply []byte)
	// Apart reports whether each part concerns its own shard alone, so that parts in other shards do not overtake it.
	Apart() bool
	// Size is how many bytes of replies it keeps, counted anew: Check compares that to the counters.
	Size() int
	// OnlyAsks reports whether a part is a query whose answer no later request of the session can change.
	OnlyAsks(part int16) bool
}

// Exchange carries requests and replies for the sessions of one worker. New makes it.
type Exchange struct {
	conf   Config
	clock  *wait.Clock
	pool   *upstream.Pool
	blocks *blocks.Pool
	totals Totals

	served []*Service // by upstream.Servers.Index
	args   [][]byte   // scratch

	// Its parts have fields of their own, which no other part changes.
	Table
	Waiting
	Retries
	Dedications
	Pushes
	Memory
}

// New makes an Exchange without services and clients.
func New(conf Config) *Exchange {
	x := &Exchange{conf: conf, clock: conf.Clock, pool: conf.Pool, blocks: conf.Blocks}
	x.Table.x, x.Waiting.x, x.Retries.x, x.Dedications.x, x.Pushes.x, x.Memory.x = x, x, x, x, x, x
	x.Memory.Memory = account.New(conf.Memory)
	return x
}

// Service is what an Exchange keeps for one service: its sessions that wait for the same, and its settings.
type Service struct {
	*upstream.Servers
	// Catalog has what the servers reported about commands, keys, functions and databases.
	Catalog      *catalog.Catalog
	x            *Exchange
	blockingLost BlockingLost
	allowed      map[string]bool
	Users        *access.Users // of the clients; see UsersAt
	longScripts  int           // 1 while LongScripts counts this worker, see TellScript
	holds        []wait.Buffer // one for each shard of the view, and a last one for requests without a shard
	full         wait.List     // sessions that wait for a connection that is full
	// withholding are the sessions that have withheld replies.
	withholding []session.Ref
	// sessions is how many clients it has. unusedSince is since when it has none.
	sessions    int
	unusedSince time.Duration
	// closed: clients without credentials are rejected, or have been where the servers know the users.
	closed bool
	// none is the rare part of all clients that have none of their own. It stays zero: Session.own makes a client its
	// own.
	none rare
}

// UsersAt returns the users of the clients of a listener.
func (s *Service) UsersAt(listener int32) *access.Users { return s.Users.At(int(listener)) }

// SetUsers replaces the users of a service. The sessions keep theirs, see Session.Become.
func (s *Service) SetUsers(users *access.Users) { s.Users = users }

// Serve adds a service, in place of one with its Index that nobody used any more. learnt is its catalog, lost what
// becomes of blocking pops whose outcome is unknown, allowed the dangerous commands that a setting permits, by their
// names in the table of package routing, users those of its clients.
func (x *Exchange) Serve(s *upstream.Servers, learnt *catalog.Catalog, lost BlockingLost, allowed map[string]bool,
	users *access.Users) *Service {
	shards := 0
	if s.View != nil {
		shards = len(s.View.Shards)
	}
	served := &Service{Servers: s, Catalog: learnt, x: x, blockingLost: lost, holds: make([]wait.Buffer, shards+1),
		allowed: allowed, Users: users, closed: s.As == nil && !s.Lazy, unusedSince: x.clock.Now}
	if s.Index < len(x.served) {
		x.served[s.Index] = served
	} else {
		x.served = append(x.served, served)
	}
	return served
}

// Served returns the service of a connection.
func (x *Exchange) Served(l *upstream.Conn) *Service { return x.served[l.Key.Service] }

// Service returns the service with this index.
func (x *Exchange) Service(index int) *Service { return x.served[index] }

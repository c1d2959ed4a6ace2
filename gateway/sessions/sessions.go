// Package sessions has the clients of a worker: the session of each, what it is owed, and how long it waits. It
//
//	begins a session, finds it and counts it      table.go; session.go has its state, service.go that of its service
//	keeps what it sends until it is handled       input.go; what is sent ahead: Session.OwedTooMuch
//	delivers replies in order                     deliver.go; push.go for messages, replymode.go for CLIENT REPLY
//	keeps what servers owe it                     inflight.go; retries.go, withheld.go, dedicated.go for the rarer cases
//	blocks a session that cannot go on            block.go; buffer.go while a shard has no usable server
//	counts what is kept for it, and bounds that   memory.go, soft.go
//	ends it                                       leave.go; halfclosed.go when its client has sent all it will
//
// Begin with Session and Sessions, then read Deliver and Block.
//
// It knows which connections owe a session replies, and decides nothing about servers: which one gets a request,
// whether it is sent again, and what becomes of it when a connection is lost is the knowledge of package exchange. It
// does no I/O, starts no goroutine, and takes the time from its Clock; one worker's thread makes all calls.
//
// A session that cannot go on is blocked, and no queue of requests is kept for it: the request stays unread in the
// client's input, and is decided again, under the view of that moment, when the session resumes. The exceptions are
// requests that were sent once and must be retried (Retries): they are done before anything new is read.
//
// A frame or a reply that is passed in belongs to the caller, and is copied where it is kept, except where a field says
// otherwise.
package sessions

import (
	"time"

	"evergate/gateway/account"
	"evergate/gateway/blocks"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
)

// Config has what Sessions need. All fields are required, except where one says otherwise, and the limits
// for which zero means no bound.
type Config struct {
	Clock  *wait.Clock
	Pool   *upstream.Pool
	Blocks *blocks.Pool
	Limits
	// Unserved is called for each request that is answered with -LOADING, Cut for each client that was closed because it
	// reads too slowly, or because all clients take too much memory. Both are for the log.
	Unserved func(service int, why string)
	Cut      func(service int, c Cut)
	// Unblock has the server at addr asked to end the blocking command of its client (CLIENT UNBLOCK with ERROR), soon
	// and without an answer. It may be nil: none is asked.
	Unblock func(service int, addr string, client int64)
	// Memory bounds what is kept for all clients.
	Memory account.Bound
	// ClientNumber returns a number for CLIENT ID that no other client of this process has or had.
	ClientNumber func() int64
}

// Limits are those of each session, and of all that wait. They can change, see SetLimits.
type Limits struct {
	// QueryBytesMax is how many unread bytes are kept of a client's input; a client that exceeds it is closed. It is
	// positive.
	QueryBytesMax int
	// HoldSessionsMax bounds how many sessions may wait for a server at once, HoldBytesMax their unread input in bytes.
	// Past either, further requests are answered with an error at once. Zero: no bound.
	HoldSessionsMax int
	HoldBytesMax    int
	// IdleMax is how long a client may go without sending a command, AuthMax how long it may take to authenticate.
	// Zero: no bound.
	IdleMax time.Duration
	AuthMax time.Duration
}

// Ends are the rooms above Sessions, which have something of a session that ends.
type Ends interface {
	// Unlisten ends all subscriptions of a session: its client is about to be closed.
	Unlisten(c *Session)
	// Closed releases what other rooms have of a session that was closed.
	Closed(c *Session)
}

// Sessions are those of one worker. New makes them.
type Sessions struct {
	conf   Config
	clock  *wait.Clock
	pool   *upstream.Pool
	blocks *blocks.Pool
	ends   Ends
	totals Totals

	served []*Service // by upstream.Servers.Index; nil where there is none

	// Its parts have fields of their own, which no other part changes.
	Table
	Waiting
	Pushes
	Memory
}

// New makes Sessions without services and clients.
func New(conf Config, ends Ends) *Sessions {
	x := &Sessions{conf: conf, clock: conf.Clock, pool: conf.Pool, blocks: conf.Blocks, ends: ends}
	x.Table.x, x.Waiting.x, x.Pushes.x, x.Memory.x = x, x, x, x
	x.Memory.Memory = account.New(conf.Memory)
	return x
}

// SetLimits replaces the limits. A session that exceeds one now is closed when it is looked at next.
func (x *Sessions) SetLimits(l Limits) {
	x.conf.Limits = l
	x.clock.At(x.sweepAt)
}

// Bounds are the limits in use.
func (x *Sessions) Bounds() *Limits { return &x.conf.Limits }

// Served returns the service of a connection.
func (x *Sessions) Served(l *upstream.Conn) *Service { return x.served[l.Key.Service] }

// Service returns the service with this index.
func (x *Sessions) Service(index int) *Service { return x.served[index] }

// Services returns all of them, by their indexes. The slice is valid until the next Serve.
func (x *Sessions) Services() []*Service { return x.served }

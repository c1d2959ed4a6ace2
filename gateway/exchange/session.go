package exchange

import (
	"time"

	"evergate/gateway/downstream"
	"evergate/gateway/facade"
	"evergate/gateway/retry"
	"evergate/gateway/session"
	"evergate/gateway/trace"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
)

// Session is a session and what connects it to this worker.
type Session struct {
	session.Session
	downstream.Conn
	wait.Place
	Ref     session.Ref
	Service *Service
	hold    Hold
	Role    *facade.Role // nil: its listener pretends nothing
	Number  int64
	Remote  string
	Local   string
	// inFlight are the connections that owe replies, at most one for each shard of the view with flightEpoch.
	inFlight      []inFlight
	inFlightEpoch uint64
	*rare
	// wrote is the server that executed the session's last write that was answered.
	wrote origin
	// Last is the last command; nil before the first, and for one that nobody knows.
	Last *routing.Command
	// tookAt is when the client last took reply bytes, or a long reply began to be what it may take.
	tookAt time.Duration

	// Small things stand together: an idle client should cost little memory.
	replyMode   replyMode // the replies that are dropped
	Monitor     trace.Monitor
	AwaitsAdmin bool // nothing more is read until an admin request is answered
	NoEvict     bool // what CLIENT NO-EVICT asked for
	retryBegun  bool // the first of retries has been sent
	due         due  // when its bytes are written
	paused      bool // the loop does not read from it
	closed      bool
}

// rare is what most clients lack. Those share their service's empty one, so that it is read without looking whether it
// is there; own gives a client one to write to.
type rare struct {
	// retries are requests to retry, in order, before anything new is read.
	retries    retry.Queue
	composites []Composite
	// withheld are replies that wait for a verdict on their server.
	withheld *withheld
	// dedicated is the private connection of this session; pinAt is when another may be asked for.
	dedicated  *upstream.Conn
	dedicateAt time.Duration
	// leftBehind is the connection on which a blocking command was lost.
	leftBehind *leftBehind
	// Round is the WAIT under way in a cluster.
	Round *session.Round
	// blockedSince is when the blocking command under way began to wait; 0 without one.
	blockedSince time.Duration
	// carefulUntil: until then one request at a time is in flight for carefulSlot, that of the last ASK or TRYAGAIN.
	carefulSlot  int16
	carefulUntil time.Duration
	// Subs is what this session listens to. pushes are messages that wait behind a reply under way.
	Subs    *subscriber
	pushes  downstream.Output
	Listens *facade.Subscriptions // of a client of a Sentinel
}

// own returns the client's own rare, for anything but zero to be written to it.
func (c *Session) own() *rare {
	if c.rare == &c.Service.none {
		c.rare = &rare{}
	}
	return c.rare
}

// Setup is how the connections must be set up that serve a session.
func (c *Session) Setup() upstream.Setup { return upstream.Setup{Proto: c.Proto, DB: c.DB} }

func (c *Session) ShardOfSlot(slot int) int {
	if sh := c.Service.View.Shard(slot); sh != nil {
		return sh.Index
	}
	return -1
}

// Allows reports whether a command is rejected for its harm alone, and a setting lets it through. A replica facade lets
// nothing through: its clients mean a replica, and what they say would come to the primary.
func (c *Session) Allows(d *routing.Decision, command *routing.Command) bool {
	return d.Reason == routing.Forbidden && c.Service.allowed[command.Name] && !c.Role.Is(facade.Replica)
}

// Closed reports whether the client has left, or is about to.
func (c *Session) Closed() bool { return c.closed }

// Retrying reports whether requests of the session must be retried before anything new is read.
func (c *Session) Retrying() bool { return len(c.retries) > 0 }

// InFlight reports whether servers owe the session a reply.
func (c *Session) InFlight() bool { return len(c.inFlight) > 0 }

// InFlightUnder reports whether they do under another view than that of the epoch.
func (c *Session) InFlightUnder(epoch uint64) bool {
	return len(c.inFlight) > 0 && c.inFlightEpoch != epoch
}

// Withholds reports whether replies wait for a verdict on their server.
func (c *Session) Withholds() bool { return c.withheld != nil }

// Dedicated is the connection that belongs to this session, nil for most.
func (c *Session) Dedicated() *upstream.Conn { return c.dedicated }

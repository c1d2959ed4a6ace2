package sessions

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

// Session is the state of one client in its worker. Its ID and generation, in Ref, identify it for connections and
// lists, which may outlive it.
type Session struct {
	session.Session
	downstream.Conn
	wait.Place
	Ref     session.Ref
	Service *Service
	Role    *facade.Role // the role that its listener emulates; nil for none
	Number  int64        // CLIENT ID
	Remote  string       // the client's address, Local the gateway's, as CLIENT LIST shows them
	Local   string
	login
	owing
	*rare
	// wrote is a server that has executed writes of this session; see origin.
	wrote origin
	// Last is the last command; nil before the first one, and for an unknown one.
	Last *routing.Command
	// tookAt is when the client last read from its output, or when a long reply began to reach it while it had read all
	// else.
	tookAt time.Duration

	// Small fields stand together: an idle client should cost little memory, see TestIdleClientIsSmall.
	home    uint16          // its number among those that read from replicas; 0: it has not yet
	Mode    downstream.Mode // which replies are dropped
	Monitor trace.Monitor
	due     due  // when its output is written
	paused  bool // the loop does not read from it
	closed  bool
	over    bool // it is past its soft limit, since overSince
}

// rare is what most clients lack. Those share the empty one of their service, so that its fields can be read without a
// check; own returns one to write to.
type rare struct {
	// retries are the requests to retry, in order, before anything new is read.
	retries retry.Queue
	// retryBytes is the size of their frames.
	retryBytes int
	retryBegun bool // the first of retries was sent
	// wroteElsewhere are further servers that have executed writes of the session, of other shards. reportedGone:
	// WriterGone was true since the last write.
	wroteElsewhere []origin
	reportedGone   bool
	// sentLong: a long request may be in flight on a shared connection.
	sentLong bool
	// sealed are the bytes that the loop keeps encrypted.
	sealed int
	// composites are the requests whose parts are under way.
	composites []Composite
	// acks is what the session has set for itself of how its writes are confirmed. unconfirmed are the bytes of replies
	// that connections keep until that has happened.
	acks        ownAcks
	unconfirmed int
	// withheld are replies that wait for the verdict on their server.
	withheld *withheld
	// dedicated is the connection that serves this session alone; dedicateAt is when the next may be asked for.
	dedicated  *upstream.Conn
	dedicateAt time.Duration
	// Round is the WAIT or WAITAOF that is being asked of all shards.
	Round *session.Round
	// suspectSince is when a connection last ended on requests of this session that none had ended on before.
	suspectSince time.Duration
	// blockedSince is when the blocking command under way began to wait; 0 without one.
	blockedSince time.Duration
	// unblocking: the server was asked to end that command, since the client is to be closed.
	unblocking bool
	// closeBy is when a client that is to be closed is not waited for any more; 0: see Sweep.
	closeBy time.Duration
	// carefulUntil is until when only one request at a time is in flight for carefulSlot, the slot of the last ASK or
	// TRYAGAIN.
	carefulSlot  int16
	carefulUntil time.Duration
	// chosen is what the client has chosen of how its reads are served, reading what follows from it; nil for nothing.
	chosen  session.Chosen
	reading *session.Reading
	// overSince is since when it is past its soft limit; meaningful while over.
	overSince time.Duration
	// hedges are the reads that are in flight on two connections, by shard.
	hedges []Hedge
	// late are requests that were sent later than they began.
	late []late
	// Subs has the subscriptions of this session; nil without any. pushes are messages that wait for the end of a
	// reply.
	Subs    *subscriber
	pushes  downstream.Output
	Listens *facade.Subscriptions // those of a client of an emulated Sentinel
}

// due is when a client's output is written.
type due uint8

const (
	notDue   due = iota
	dueLater     // it is named in Pushes.gathered
	dueNow       // it is named in ClientOut.Clients
)

// own returns the client's own rare part, which it makes if needed. It is called before anything but zero is written.
func (c *Session) own() *rare {
	if c.rare == &c.Service.none {
		c.rare = &rare{}
	}
	return c.rare
}

// Home is the number of the session among those that read from replicas.
func (c *Session) Home() uint16 {
	if c.home == 0 {
		c.home = c.Service.NewHome()
	}
	return c.home
}

// Setup is how a connection must be set up to serve this session.
func (c *Session) Setup() upstream.Setup { return upstream.Setup{Proto: c.Proto, DB: c.DB} }

// ShardOfSlot returns the index of the shard that serves a slot under the present view, -1 for none.
func (c *Session) ShardOfSlot(slot int) int {
	if sh := c.Service.View.Shard(slot); sh != nil {
		return sh.Index
	}
	return -1
}

// Allows reports whether a command is rejected only because it is dangerous, and a setting permits it. Under the facade
// of a replica none is permitted: the client means a replica, and the command would reach the primary.
func (c *Session) Allows(d *routing.Decision, command *routing.Command) bool {
	return d.Reason == routing.Forbidden && c.Service.Permits(command) && !c.Role.Is(facade.Replica)
}

// BeginCommand records the command that is executed next as Last.
func (c *Session) BeginCommand(command *routing.Command) { c.Last = command }

// Closed reports whether the session was closed. Every call that delivers something may close it.
func (c *Session) Closed() bool { return c.closed }

// SuspectSince is when a connection last ended on requests of this session that none had ended on before.
func (r *rare) SuspectSince() time.Duration { return r.suspectSince }

// SuspectFrom sets that.
func (c *Session) SuspectFrom(at time.Duration) { c.own().suspectSince = at }

// BeCareful has only one request at a time in flight for a slot that is being moved.
func (c *Session) BeCareful(slot int16, until time.Duration) {
	own := c.own()
	own.carefulSlot, own.carefulUntil = slot, until
}

// Careful reports whether only one request at a time may be in flight for a slot.
func (r *rare) Careful(slot int, now time.Duration) bool {
	return slot >= 0 && now < r.carefulUntil && int(r.carefulSlot) == slot
}

// Moves reports whether a session may move to another service now: nothing of it is under way. Otherwise what is under
// way wakes it when it ends.
func (c *Session) Moves() bool {
	return c.Replies.Owed() == 0 && len(c.inFlight) == 0 && len(c.retries) == 0 && !c.Withholds()
}

// Expellable reports whether a session waits for a server; idle: or nothing of it is under way.
func (c *Session) Expellable(idle bool) bool {
	return c.AwaitsServer() || len(c.retries) > 0 || idle && c.Moves()
}

// Company returns what may share a connection with a request of this length in bytes, on which cost connections have
// ended.
func (c *Session) Company(length int, cost uint8) upstream.Company {
	switch {
	case length > upstream.BigBytes || cost > 1:
		return upstream.Nobody
	case cost > 0 || c.Costly:
		return upstream.OwnSession
	}
	return upstream.Anybody
}

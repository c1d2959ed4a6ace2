// Package exchange carries the requests of clients to servers, and the replies back. It is the middle of the data
// plane: the rooms above it (multi, transaction, dedicated and others, and the worker for single commands) decide what
// a session sends and to which shard; the exchange does the rest, the same for all of them. It
//
//	chooses the upstream connection               choose.go; dedicated.go for one that serves a single session
//	sends                                         send.go
//	waits where none takes the request now        unavailable.go
//	passes replies on as they come                stream.go, for long ones
//	retries what was not executed                 retry.go; sendback.go after a rejection, lost.go after a loss
//	withholds the replies of demoted primaries    withheld.go
//	asks another server for a read                elsewhere.go; hedge.go for one that is late
//
// Begin with Exchange, then read Choose and Send.
//
// It knows servers through upstream, clients through sessions, whose methods it has, and commands by their traits
// alone: what one means, and how its parts become one reply, is the knowledge of the rooms above, which it calls
// through Verbs and sessions.Composite. It does no I/O, starts no goroutine, and takes the time from its Clock; one
// worker's thread makes all calls.
//
// A frame or a reply that is passed in belongs to the caller, and is copied where it is kept, except where a field says
// otherwise.
package exchange

import (
	"evergate/gateway/access"
	"evergate/gateway/acks"
	"evergate/gateway/catalog"
	"evergate/gateway/retry"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/topology"
)

// Config has what an Exchange needs. All fields are required.
type Config struct {
	Sessions sessions.Config
	Verbs    Verbs
	// Report passes on an observation to the control plane. Acked counts n writes that a node acknowledged.
	Report func(service int, r topology.Report)
	Acked  func(service int, node topology.NodeID, n int)
	// LongScripts adds add to the number of workers that wait for a long script of a service, and returns the sum.
	LongScripts func(service, add int) int
}

// Verbs are the commands above an Exchange: it calls them for what depends on the meaning of a command. Only Reply is
// called often.
type Verbs interface {
	// Resend sends the request that its session must retry first, or answers it. It returns false when the session was
	// blocked. a is valid until the session's retries change.
	Resend(c *sessions.Session, a *retry.Entry) bool
	// Internal takes the reply to a request of the gateway itself, with the tag that the request was sent with, and nil
	// when its connection was lost. reply is valid during the call.
	Internal(l *upstream.Conn, tag uint32, reply []byte)
	// Confirmed counts the time of a write whose reply a connection has kept for replicas. Its client gets the reply now,
	// or an error instead.
	Confirmed(c *sessions.Session, l *upstream.Conn, r *acks.Reply)
	// Reply takes a whole frame that a server sent: the reply to the request at the front, or a push. It is valid
	// during the call.
	Reply(l *upstream.Conn, reply []byte)
	sessions.Ends
}

// Exchange carries requests and replies for the sessions of one worker. New makes it.
type Exchange struct {
	*sessions.Sessions
	conf   Config
	clock  *wait.Clock
	pool   *upstream.Pool
	totals Totals
	// longScripts has 1 for a service while LongScripts counts this worker, see ReportScript.
	longScripts []int
	args        [][]byte // scratch
	cells       upstream.Keys
	places      []int
	read        upstream.Read

	// Its parts have fields of their own, which no other part changes.
	Retries
	Dedications
	Hedges
}

// New makes an Exchange without services and clients.
func New(conf Config) *Exchange {
	x := &Exchange{conf: conf, clock: conf.Sessions.Clock, pool: conf.Sessions.Pool,
		cells: make(upstream.Keys, 0, 16)}
	x.Sessions = sessions.New(conf.Sessions, (*ends)(x))
	x.Retries.x, x.Dedications.x, x.Hedges.x = x, x, x
	return x
}

// Serve adds a service, see Sessions.Serve.
func (x *Exchange) Serve(s *upstream.Servers, learnt *catalog.Catalog, lost sessions.BlockingLost,
	allowed map[string]bool, users *access.Users) *sessions.Service {
	for s.Index >= len(x.longScripts) {
		x.longScripts = append(x.longScripts, 0)
	}
	return x.Sessions.Serve(s, learnt, lost, allowed, users)
}

// ends releases what an Exchange and the rooms above it have of a session.
type ends Exchange

func (e *ends) Unlisten(c *sessions.Session) { e.conf.Verbs.Unlisten(c) }

func (e *ends) Closed(c *sessions.Session) {
	if c.Dedicated() != nil {
		(*Exchange)(e).Release(c)
	}
	if lost := c.HedgedReads(); lost > 0 {
		e.Hedges.tally(c.Service, sessions.HedgeCounts{Lost: uint64(lost)})
	}
	c.DropWithheld(func(*sessions.Withheld) bool { return true })
	e.conf.Verbs.Closed(c)
}

package exchange

import (
	"time"

	"evergate/gateway/downstream"
	"evergate/gateway/facade"
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
	Face    *facade.Role // nil: its listener pretends nothing
	Number  int64
	Remote  string
	Local   string
	// flights are the lanes that owe replies, at most one for each shard of the view with flightEpoch.
	flights     []flight
	flightEpoch uint64
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

// Setup is how the connections must be set up that serve a session.
func (c *Session) Setup() upstream.Setup { return upstream.Setup{Proto: c.Proto, DB: c.DB} }

// Session finds the client that a ticket or a waiter names; nil when it has left.
func (t *Table) Session(ref session.Ref) *Session {
	if int(ref.ID) >= len(t.clients) {
		return nil
	}
	c := t.clients[ref.ID]
	if c == nil || c.Ref != ref {
		return nil
	}
	return c
}

// PlaceOf returns where a session waits, or nil when it has left.
func (t *Table) PlaceOf(who session.Ref) *wait.Place {
	if c := t.Session(who); c != nil {
		return &c.Place
	}
	return nil
}

// Closed reports whether the client has left, or is about to.
func (c *Session) Closed() bool { return c.closed }

// Retrying reports whether requests of the session must be retried before anything new is read.
func (c *Session) Retrying() bool { return len(c.retries) > 0 }

// InFlight reports whether servers owe the session a reply.
func (c *Session) InFlight() bool { return len(c.flights) > 0 }

// InFlightUnder reports whether they do under another view than that of the epoch.
func (c *Session) InFlightUnder(epoch uint64) bool {
	return len(c.flights) > 0 && c.flightEpoch != epoch
}

// Withholds reports whether replies wait for a verdict on their server.
func (c *Session) Withholds() bool { return c.withheld != nil }

// Dedicated is the connection that belongs to this session, nil for most.
func (c *Session) Dedicated() *upstream.Conn { return c.dedicated }

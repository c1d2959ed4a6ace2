// Package upstream has a worker's connections to servers. A Conn holds the bytes that are not yet answered (Queue) and
// who waits for the next replies (Inflight); a Pool makes connections, finds the one for a request, watches whether its
// server answers, drains those to demoted primaries and ends them. It does no I/O, knows sessions by their Ref alone,
// and does not know what the bytes mean: frames are put in, the loop takes bytes out. What sessions must hear of their
// connections it says through Users.
//
// A connection drops bytes when they are answered, not when they are written, so that what must be sent again after a
// lost connection is still there.
package upstream

import (
	"time"

	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/topology"
)

// ConnID is a connection's place in its worker. It is used again after the connection was removed.
type ConnID int32

// Purpose is what a connection is for.
type Purpose uint8

const (
	// Primary connections carry writes, and reads that go to a primary.
	Primary Purpose = iota
	// Replica connections begin with READONLY in a cluster and carry reads.
	Replica
	// Dedicated connections go to a primary, and belong to one session at a time: for what a server remembers of a
	// connection (WATCH), or what keeps it busy (BLPOP).
	Dedicated
	// Subscription connections carry subscriptions, and nothing else.
	Subscription

	// Purposes is how many there are.
	Purposes = int(Subscription) + 1
)

var purposeNames = [...]string{"primary", "replica", "private", "feed"}

func (p Purpose) String() string { return purposeNames[p] }

// Setup is what a session may choose of what a server remembers of a connection.
type Setup struct {
	// Proto is 2 or 3: replies pass as bytes, so both sides must speak alike.
	Proto uint8
	// DB is the number of the database, as SELECT has it.
	DB int32
}

// Key is whatever a server remembers of a connection: sessions that differ in any of it never share a connection. The
// user is always the service's own.
type Key struct {
	Service int
	Node    topology.NodeID
	Purpose Purpose
	Setup
}

// State of a connection.
type State uint8

const (
	// Dialing: the loop is connecting; nothing can be sent.
	Dialing State = iota
	// Open: greeted and ready.
	Open
	// Waiting: the last dial failed, the next begins at RedialAt.
	Waiting
	// Gone: removed; no connection of this state is ever found by key.
	Gone
)

// LostReason says why a connection ended. It labels logs and metrics.
type LostReason uint8

const (
	// PeerClosed: the server closed or reset the connection.
	PeerClosed LostReason = iota
	// DialFailed: no connection, or the greeting was refused.
	DialFailed
	// Poisoned: a reply without a pending request, or one that does not parse: nothing on the connection can be trusted.
	Poisoned
	// Retired: the node no longer has the role that the connection is for.
	Retired
	// Idle: not used for a while.
	Idle
	// NotAuthenticated: the server asked for a password in the middle of the connection.
	NotAuthenticated
	// OtherRun: the server that was dialled has another run id than it should.
	OtherRun
	// Unpinned: the session that a dedicated connection belonged to has left it, and nobody else can use it.
	Unpinned
	// Replaced: a connection that was silent too long, beside one to the same server that was answered.
	Replaced
	// Refused: the server said why it does not take a request, and closes the connection.
	Refused

	// LostReasons is how many there are.
	LostReasons = int(Refused) + 1
)

var lostNames = [...]string{"peer-closed", "dial-failed", "poisoned", "retired", "idle", "not-authenticated",
	"server-changed", "client-left", "replaced", "rejected"}

func (r LostReason) String() string { return lostNames[r] }

// Company is who may share a connection with a request.
type Company uint8

const (
	// Anybody: requests of all sessions.
	Anybody Company = iota
	// OwnSession: those of the same session of which that is said too.
	OwnSession
	// Nobody: no other request.
	Nobody
)

const (
	// PendingMax bounds the requests in flight on one connection.
	PendingMax = 16 << 10
	// HeldBytesMax bounds the unanswered bytes of one connection. One frame may pass it: it is looked at before, not
	// after.
	HeldBytesMax = 8 << 20
	// FullRetry bounds how long a session waits for a full connection without being woken.
	FullRetry = 100 * time.Millisecond
)

// Conn is one pipelined connection to a node, shared by many sessions. Only its worker touches it.
type Conn struct {
	ID       ConnID
	Key      Key
	State    State
	Queue    Queue
	Inflight Inflight
	// Scan follows the reply under way; Reply keeps its bytes while it is short; Streams says that it is already
	// being handed to its client piece by piece.
	Scan    resp.ReplyScanner
	Reply   []byte
	Streams bool
	// Queued is the first error that the server gave for the commands of the transaction in front, before its EXEC; empty
	// for none.
	Queued []byte
	// Carries is the company that what is under way tolerates. The connection takes no flights of others until it is
	// answered.
	Carries Company
	// Big says that a long reply is under way: the connection takes no new flights until it has ended.
	Big bool
	// BigEnd is the offset behind the last long request: until it is written, slice by slice, the connection takes no
	// new flights either. SlicedAt is when the last slice was.
	BigEnd   uint64
	SlicedAt time.Duration
	// WriteAt: the server has enough to do, and gets more when it has answered something, or then; 0 when nothing waits.
	WriteAt time.Duration
	// Retiring: the node lost its role; no new flights, closed at RetireAt.
	Retiring bool
	RetireAt time.Duration
	// Draining: retiring because the view names the node as a demoted primary; what it answers to writes is withheld.
	Draining bool
	// Owner is the session that a dedicated connection belongs to; meaningful while Owned.
	Owner session.Ref
	Owned bool
	// Now is how the connection is set up: as Key says, but for a dedicated connection whose session has changed it
	// since. Such a one is had once.
	Now Setup
	// Next is the setup that the server was told and has not answered; zero without one.
	Next Setup
	// Bypass: a dedicated connection to a server that may be busy with a script.
	Bypass bool
	// Once: a dedicated connection that nobody else may have afterwards, as a bypass connection.
	Once bool
	// Tunnel: what comes on it passes unread to its owner. It has no pending requests.
	Tunnel bool
	// Truncated: the server was sent the beginning of a frame whose rest it must not get; nothing follows.
	Truncated bool
	// RefusingUntil: the node answered that it cannot serve now; the connection takes no new flights until then.
	RefusingUntil time.Duration
	// OnTrial: that was the last thing it said to a request. One is sent to see whether it still holds: were all sent that
	// wait, the node could refuse the first and take those behind them.
	OnTrial bool
	// WaitsFrom is since when the server owes a reply without having said anything. Silent: it has been for too long,
	// and the connection takes no new flights; Slow: it is being looked whether a script keeps the server busy; Suspected:
	// it seems silent, and the next round shows it; SentOn: reads were taken off it.
	WaitsFrom time.Duration
	Silent    bool
	Slow      bool
	Suspected bool
	SentOn    bool
	// RunID is the run of the server that the connection was dialled for, once it is open the one it met, empty when not
	// known; Client is what it calls the connection (CLIENT ID), 0 when it did not say; Kill are the connections that
	// the dial under way ends.
	RunID  string
	Client int64
	Kill   []int64
	// OwnOffset: WAIT there counts only what this connection has written.
	OwnOffset bool
	// Attempts counts dials that failed in a row; RedialAt is when the next one begins.
	Attempts int
	RedialAt time.Duration
	// UsedAt is when the last request was put in.
	UsedAt time.Duration
	// Dirty and Paused belong to the worker's end of round: bytes to write; reading stopped.
	Dirty  bool
	Paused bool
	// StoppedAt is when reading was first stopped for the reader of a reply, since the connection had nothing to do or a
	// reader had caught up; 0 when it was not.
	StoppedAt time.Duration
	// DialledAt is when the last dial began, OpenedAt when the connection was last made.
	DialledAt time.Duration
	OpenedAt  time.Duration
}

// Usable says that the connection takes new flights.
func (l *Conn) Usable(now time.Duration) bool { return !l.Busy() && l.serves(now) }

func (l *Conn) serves(now time.Duration) bool {
	return l.State == Open && !l.Retiring && !l.Silent && now >= l.RefusingUntil && (!l.OnTrial || l.Inflight.Len() == 0)
}

// Continues says that a session which has a flight on the connection may send more on it.
func (l *Conn) Continues(now time.Duration, with Company) bool {
	if with == OwnSession && l.Carries == OwnSession {
		return !l.Big && !l.Slicing() && l.serves(now)
	}
	return with == Anybody && l.Usable(now)
}

// Awaits says that a reply may still come: the oldest request was sent.
func (l *Conn) Awaits() bool {
	t := l.Inflight.Front()
	return t != nil && l.Queue.Sent(t.End)
}

// Busy says that a long reply or a long request is under way, which what is sent now would wait for, or a request that
// tolerates no company.
func (l *Conn) Busy() bool { return l.Big || l.Slicing() || l.Carries != Anybody }

// Slicing says that a long request is to be written.
func (l *Conn) Slicing() bool { return !l.Queue.Sent(l.BigEnd) }

// Full says that the connection holds as much as it should; sessions wait until half of it is answered.
func (l *Conn) Full() bool { return l.Inflight.Len() >= PendingMax || l.Queue.Held() >= HeldBytesMax }

// HalfFull is the mark below which waiting sessions run again.
func (l *Conn) HalfFull() bool {
	return l.Inflight.Len() >= PendingMax/2 || l.Queue.Held() >= HeldBytesMax/2
}

// Reset makes the connection ready to be dialled again. What was in flight must have been taken out before.
func (l *Conn) Reset() {
	l.Queue.Reset()
	l.Inflight.Reset()
	l.Scan = resp.ReplyScanner{}
	l.Reply, l.Queued, l.Next = nil, nil, Setup{}
	l.Streams, l.Big, l.Retiring, l.Dirty, l.Paused, l.Carries = false, false, false, false, false, Anybody
	l.Silent, l.Slow, l.Suspected, l.SentOn, l.Client = false, false, false, false, 0
	l.RefusingUntil, l.StoppedAt, l.BigEnd, l.SlicedAt, l.WriteAt, l.OnTrial = 0, 0, 0, 0, 0, false
}

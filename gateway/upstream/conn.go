// Package upstream has a worker's connections to servers. A Conn holds the bytes that are not yet answered (Queue) and
// the requests whose replies come next (Inflight). A Pool dials connections (dial.go), finds one for a request
// (routes.go, set.go), passes their bytes to the loop (write.go), watches whether their servers answer (silence.go),
// drains those to demoted primaries (drain.go), and decides what becomes of the requests of a lost one (lost.go).
//
// Begin with Conn, then read Pool, Servers.Pick and Conn.Lost.
//
// It does no I/O: frames are put in, the loop takes bytes out. It knows sessions by their Ref alone, and not what the
// bytes mean; what sessions must learn of their connections it reports through Users. It must not know commands, or how
// a reply reaches a client.
//
// A connection drops bytes when they are answered, not when they are written: so what must be retried after a lost
// connection is still there.
package upstream

import (
	"time"

	"evergate/gateway/acks"
	"evergate/gateway/blocks"
	"evergate/gateway/freshness"
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/gateway/wait"
	"evergate/topology"
)

// ConnID identifies a connection in its worker. It is reused after the connection was removed.
type ConnID int32

// Purpose is what a connection is for.
type Purpose uint8

const (
	// Primary connections carry writes, and reads that go to a primary.
	Primary Purpose = iota
	// Replica connections begin with READONLY in a cluster and carry reads.
	Replica
	// Dedicated connections go to a primary, and serve one session at a time: for what a server remembers for a
	// connection (WATCH), or what keeps it busy (BLPOP). A replica that is busy with a script gets one to end that.
	Dedicated
	// Subscription connections carry subscriptions, and nothing else.
	Subscription
	// Acked connections go to a primary, and carry writes that replicas must confirm: a WAIT keeps the server from
	// executing what comes behind it.
	Acked

	// Purposes is the number of purposes.
	Purposes = int(Acked) + 1
)

var purposeNames = [...]string{"primary", "replica", "dedicated", "subscription", "acked"}

func (p Purpose) String() string { return purposeNames[p] }

// Setup is what a session may choose of the state that a server keeps for a connection.
type Setup struct {
	// Proto is 2 or 3: replies are passed on as bytes, so client and connection must use the same one.
	Proto uint8
	// DB is the number of the database, as for SELECT.
	DB int32
}

// Key is all the state that a server keeps for a shared connection: sessions that differ in it never share one. The
// user is that of the Servers with the index Service.
type Key struct {
	Service int
	Node    topology.NodeID
	Purpose Purpose
	Setup
	// Acks is how the writes of an Acked connection are confirmed; zero for other connections.
	Acks acks.Terms
}

// State of a connection.
type State uint8

const (
	// Dialing: the loop is connecting; nothing can be sent.
	Dialing State = iota
	// Open: greeted and ready.
	Open
	// Waiting: the last dial failed, or was put off; the next one begins at RedialAt.
	Waiting
	// Gone: removed; no key leads to it.
	Gone
)

// LostReason is why a connection ended. It labels logs and metrics.
type LostReason uint8

const (
	// PeerClosed: the server closed or reset the connection.
	PeerClosed LostReason = iota
	// DialFailed: no connection was made, or the server rejected its setup.
	DialFailed
	// Poisoned: there was a reply without a pending request, or one that does not parse; nothing on the connection can
	// be trusted.
	Poisoned
	// Retired: the node no longer has the role that the connection is for.
	Retired
	// Idle: not used for a while.
	Idle
	// NotAuthenticated: the server asked for a password on a connection that was authenticated, or rejects that of the
	// user whose connection it was to be.
	NotAuthenticated
	// OtherRun: the server that was dialled has another run ID than the view names.
	OtherRun
	// Unpinned: the session that a dedicated connection served has left it, and no other one can use it; or a shared one
	// held a long request of a client that took too much memory.
	Unpinned
	// Replaced: it was silent for too long, and the server has answered on another one.
	Replaced
	// Refused: the server rejected a request in a way that ends the connection.
	Refused

	// LostReasons is the number of reasons.
	LostReasons = int(Refused) + 1
)

var lostNames = [...]string{"peer-closed", "dial-failed", "poisoned", "retired", "idle", "not-authenticated",
	"server-changed", "client-left", "replaced", "rejected"}

func (r LostReason) String() string { return lostNames[r] }

// Company is what may share a connection with a request.
type Company uint8

const (
	// Anybody: requests of all sessions.
	Anybody Company = iota
	// OwnSession: requests of the same session with the same Company.
	OwnSession
	// Nobody: no other request.
	Nobody
)

const (
	// PendingMax bounds the requests in flight on one connection.
	PendingMax = 16 << 10
	// HeldBytesMax bounds the unanswered bytes of one connection. One frame may exceed it, since it is checked before a
	// frame is added.
	HeldBytesMax = 8 << 20
	// FullRetry is how long a session waits for a full connection at most before it tries again.
	FullRetry = 100 * time.Millisecond
)

// Conn is one pipelined connection to a node, shared by many sessions. Only its worker touches it.
type Conn struct {
	ID       ConnID
	Key      Key
	State    State
	Queue    blocks.Queue
	Inflight Inflight
	// Acks has the replies that wait until replicas have confirmed their writes.
	Acks acks.Queue
	// Scan follows the reply under way. Reply keeps its bytes while it is short. Streams: it is being passed to its
	// client piece by piece.
	Scan    resp.ReplyScanner
	Reply   []byte
	Streams bool
	// Queued is the first error that the server returned for a command of the transaction at the front, before its
	// EXEC, or for the command in front of a WAIT; empty for none.
	Queued []byte
	// Carries is the Company of what is in flight. Until that is answered the connection takes no requests of other
	// sessions.
	Carries Company
	// Big: a long reply is under way; the connection takes no new requests until it has ended.
	Big bool
	// BigEnd is the offset behind the last long request. Until that is written, slice by slice, the connection takes no
	// new requests either. SlicedAt is when the last slice was begun, sliceLeft how many bytes of it are not written yet.
	BigEnd    uint64
	BigFrom   session.Ref // whose it is
	SlicedAt  time.Duration
	sliceLeft int
	// WriteAt is when coalesced bytes are written, unless the server answers something before; 0 when none wait.
	WriteAt time.Duration
	// Retiring: the node has lost its role; the connection takes no new requests, and is closed at RetireAt.
	Retiring bool
	RetireAt time.Duration
	// Draining: it is retiring because the view names the node as a demoted primary. Replies to writes are withheld.
	Draining bool
	// Owner is the session that a dedicated connection serves; meaningful while Owned.
	Owner session.Ref
	Owned bool
	// Now is how the connection is set up: as Key, except for a dedicated connection whose session has changed it
	// since, which no other session gets.
	Now Setup
	// Next is the setup that the server was asked for and has not confirmed; zero for none.
	Next Setup
	// Bypass: a dedicated connection to a server that may be busy with a script. It was not set up.
	Bypass bool
	// Once: a dedicated connection that no other session gets afterwards.
	Once bool
	// Tunnel: its bytes are passed to its owner unparsed. It has no pending requests.
	Tunnel bool
	// Truncated: the server got the beginning of a frame whose rest it must not get; nothing can be sent any more.
	Truncated bool
	// RefusingUntil is until when the connection takes no new requests, since the node replied that it cannot serve
	// now.
	RefusingUntil time.Duration
	// OnTrial: that was its last reply. A single request is sent to find out whether it still holds: were all sent that
	// wait, the node could reject the first ones and execute those behind them.
	OnTrial bool
	// WaitsFrom is since when the server owes a reply without having sent anything. Slow: for long enough that the
	// control plane was asked whether a script keeps the server busy. Suspected: it seems silent, which the next round
	// confirms. SentOn: reads were moved off it. Silent: for too long; the connection takes no new requests.
	WaitsFrom time.Duration
	Silent    bool
	Slow      bool
	Suspected bool
	SentOn    bool
	// Answered is when the last reply came that was a client's; 0 if none has. measured is of its node.
	Answered wait.Stamp
	measured *Measured
	// Late: it owes a reply that another replica has given meanwhile. Requests up to HedgedTo need not be looked at any
	// more for being late; those up to LookedTo were.
	Late               bool
	HedgedTo, LookedTo uint64
	// RunID is the run of the server that the connection was dialled for, and once it is open of the one that it
	// reached; empty when not known. Client is the server's ID of the connection (CLIENT ID), 0 when not known. Kill
	// are the connections that the dial under way ends.
	RunID  string
	Client int64
	Kill   []int64
	// kill is that of its service. ended is the newest of the stale connections there that the server was told to end, on
	// this one or while it was dialled.
	kill  *KillList
	ended *stale
	// health is how its server answers, if that is a replica.
	health *health
	// proven is what package freshness knows of the connection.
	proven freshness.Opened
	// OwnOffset: WAIT counts only what was written on this connection.
	OwnOffset bool
	// Attempts counts dials that failed in a row; RedialAt is when the next one begins.
	Attempts int
	RedialAt time.Duration
	// UsedAt is when the last request was added.
	UsedAt time.Duration
	// Dirty: there are bytes to write at the end of the round. Paused: reading was stopped.
	Dirty  bool
	Paused bool
	// StoppedAt is when reading was first stopped for a client that lags behind its reply, since the connection had
	// nothing to do or a client had caught up; 0 when it was not.
	StoppedAt time.Duration
	// DialledAt is when the last dial began, OpenedAt when the connection was last opened. dial numbers the dials of the
	// pool.
	DialledAt time.Duration
	OpenedAt  time.Duration
	dial      uint64
}

// Usable reports whether the connection takes requests of sessions that have none in flight on it.
func (l *Conn) Usable(now time.Duration) bool { return !l.Busy() && l.serves(now) }

// serves reports whether the server takes requests on the connection.
func (l *Conn) serves(now time.Duration) bool {
	return l.State == Open && !l.Retiring && !l.Silent && now >= l.RefusingUntil && (!l.OnTrial || l.Inflight.Len() == 0)
}

// Continues reports whether a session that has requests in flight on the connection may send more there, of this
// Company.
func (l *Conn) Continues(now time.Duration, with Company) bool {
	if with == OwnSession && l.Carries == OwnSession {
		return !l.Big && !l.Slicing() && l.serves(now)
	}
	return with == Anybody && l.Usable(now)
}

// Awaits reports whether the server owes a reply: the oldest request was sent.
func (l *Conn) Awaits() bool {
	t := l.Inflight.Front()
	return t != nil && l.Queue.Sent(t.End)
}

// Busy reports whether a request would have to wait for a long request or reply, or for one that tolerates no others.
func (l *Conn) Busy() bool { return l.Big || l.Slicing() || l.Carries != Anybody }

// Slicing reports whether a long request is still to be written.
func (l *Conn) Slicing() bool { return !l.Queue.Sent(l.BigEnd) }

// HoldsLong returns how many bytes a shared connection holds because of a long request of a session; 0 for none.
func (l *Conn) HoldsLong(of session.Ref) int {
	if l.BigFrom != of || l.Owned || l.Queue.AnsweredTo() >= l.BigEnd {
		return 0
	}
	return l.Queue.Held()
}

// Full reports whether the connection holds as much as it should. Sessions wait until half of it is answered.
func (l *Conn) Full() bool { return l.Inflight.Len() >= PendingMax || l.Queue.Held() >= HeldBytesMax }

// HalfFull reports whether the connection still holds too much for those sessions to resume.
func (l *Conn) HalfFull() bool {
	return l.Inflight.Len() >= PendingMax/2 || l.Queue.Held() >= HeldBytesMax/2
}

// Reset makes the connection ready to be dialled again. What was in flight must have been taken by Lost before.
func (l *Conn) Reset() {
	l.Queue.Reset()
	l.Inflight.Reset()
	l.Scan = resp.ReplyScanner{}
	l.Reply, l.Queued, l.Next = nil, nil, Setup{}
	l.Streams, l.Big, l.Retiring, l.Dirty, l.Paused, l.Carries = false, false, false, false, false, Anybody
	l.Silent, l.Slow, l.Suspected, l.SentOn, l.Client = false, false, false, false, 0
	l.Late, l.HedgedTo, l.LookedTo = false, 0, 0
	l.RefusingUntil, l.StoppedAt, l.BigEnd, l.SlicedAt, l.WriteAt, l.OnTrial = 0, 0, 0, 0, 0, false
}

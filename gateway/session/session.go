// Package session has the state of one client: its identity, the transaction that it queues, the keys that it watches,
// and why it leaves. Each part of it is changed by the room whose commands it belongs to. Begin with Session.
//
// It does no I/O, imports no other room, and must not know connections, servers or replies.
package session

import "time"

// CloseReason is why a client left. It labels logs and metrics.
type CloseReason uint8

const (
	// ClientLeft: the client closed or reset its connection.
	ClientLeft CloseReason = iota
	// Quit: it sent QUIT.
	Quit
	// ProtocolError: its input is malformed.
	ProtocolError
	// OutputLimit: its pending replies exceed the limit.
	OutputLimit
	// QueryLimit: its unread input exceeds the limit.
	QueryLimit
	// IdleTimeout: it was idle for too long.
	IdleTimeout
	// AuthTimeout: it did not authenticate in time.
	AuthTimeout
	// HalfReply: the server died in the middle of a reply whose first bytes the client already has.
	HalfReply
	// Drained: the gateway is stopping.
	Drained
	// BlockingLost: the connection of its blocking command was lost, and the settings want it closed.
	BlockingLost
	// SlowSubscriber: its pending messages exceed the limit.
	SlowSubscriber
	// SubscriptionLost: the servers reject its subscription.
	SubscriptionLost
	// Gap: it may have missed messages, and the settings want it closed.
	Gap
	// Killed: CLIENT KILL named it.
	Killed
	// TunnelEnded: the server closed the tunnel of SYNC, PSYNC or REPLCONF, or is no primary any more.
	TunnelEnded
	// TooMany: there are as many clients as allowed.
	TooMany
)

var closeNames = [...]string{"client-left", "quit", "protocol-error", "output-limit", "query-limit", "idle-timeout",
	"auth-timeout", "truncated-reply", "drained", "blocking-lost",
	"slow-subscriber", "subscription-lost", "gap", "killed", "replication-ended", "too-many"}

func (r CloseReason) String() string { return closeNames[r] }

// Session is the state of one client.
type Session struct {
	// DB is the database that SELECT chose.
	DB int32
	// Listener is the ID of the listener that accepted the client.
	Listener int32
	// Proto is 2 or 3.
	Proto uint8
	// Authenticated, or no password is required.
	Authenticated bool
	// Ending: nothing more is read; the client is closed when its pending replies are written.
	Ending bool
	// Why it ends.
	Why CloseReason
	// Costly: a connection was closed on a request of this client that was alone there.
	Costly bool
	// HalfClosed: the client has closed its sending half; it may still read.
	HalfClosed bool
	// Multi is the transaction between MULTI and EXEC; nil for most.
	Multi *Multi
	// Watch is the state of WATCH; nil for most.
	Watch *Watch
	// OpenedAt and ActiveAt are times of the worker's clock.
	OpenedAt time.Duration
	ActiveAt time.Duration
	// Identity is set by the client itself; nil for most.
	Identity *Identity
}

// Multi is a transaction that is being queued. It is sent whole at EXEC, so that no part of it is executed if the
// client leaves before.
type Multi struct {
	// Body are the frames of MULTI and its commands, concatenated, and Count is the number of commands. It is empty
	// without any.
	Body  []byte
	Count int
	// Placeholders are its commands that the gateway answers itself, in order.
	Placeholders []Placeholder
	// Slot of its keys; -1 while there is none, or without slots.
	Slot int
	// Aborted: a command of it was rejected, so EXEC will be.
	Aborted bool
	// Nested: it contained MULTI or WATCH. Servers reject these, and some reject EXEC then.
	Nested bool
	// Named: one of its commands runs a script by its SHA1.
	Named bool
	// Scripts: one of them contains a script, or flushes all.
	Scripts bool
	// Writes: one of its commands may change something. Counts: the reply to one of them counts subscribers.
	Writes bool
	Counts bool
	// Alone: one of its commands may harm other users of its connection.
	Alone bool
}

// Placeholder is a command in a transaction that is replaced by another one, at index At.
type Placeholder struct {
	At   int
	Args [][]byte
}

// Watch is what a server watches for a session, on a dedicated connection.
type Watch struct {
	// Slot of the keys, or -1 without slots.
	Slot int
	// Broken: that connection is gone, and whether the keys have changed is unknown: EXEC answers nil, as if they had.
	Broken bool
}

// Round is a WAIT or WAITAOF that asks one shard of a cluster after the other.
type Round struct {
	// Shard is the index of the shard that is asked.
	Shard int
	// Least is the least count so far; WAITAOF has two.
	Least [2]int64
}

// Identity is what a client has set about itself, shown in CLIENT LIST.
type Identity struct {
	Name, Library, Version string
}

// Identify returns s.Identity, which it makes if needed.
func (s *Session) Identify() *Identity {
	if s.Identity == nil {
		s.Identity = &Identity{}
	}
	return s.Identity
}

// Package session is what the gateway remembers of one client: what it said of itself, the transaction that it queues,
// what it watches, and why it leaves. It does no I/O and knows nobody.
package session

import "time"

// CloseReason says why a client left. It labels logs and metrics.
type CloseReason uint8

const (
	// ClientLeft: the client closed or reset its connection.
	ClientLeft CloseReason = iota
	// Quit: it said QUIT.
	Quit
	// ProtocolError: what it sent makes no sense.
	ProtocolError
	// OutputLimit: it reads too slowly for what it asked.
	OutputLimit
	// QueryLimit: it sent more than may wait for it.
	QueryLimit
	// IdleTimeout: it sent nothing for too long.
	IdleTimeout
	// AuthTimeout: it did not authenticate in time.
	AuthTimeout
	// HalfReply: the server died in the middle of a reply whose first bytes the client already has.
	HalfReply
	// Drained: the gateway is stopping.
	Drained
	// BlockingLost: the connection of its blocking command was lost, and it is set to be told so.
	BlockingLost
	// SlowSubscriber: it reads too slowly for what it subscribed to.
	SlowSubscriber
	// SubscriptionLost: the servers do not take its subscription any more.
	SubscriptionLost
	// Gap: messages may have been missed, and it is set to be told so.
	Gap
	// Killed: CLIENT KILL named it.
	Killed
	// TunnelEnded: the server ended what SYNC, PSYNC or REPLCONF began, or is no primary any more.
	TunnelEnded
	// TooMany: there are as many clients as allowed.
	TooMany
)

var closeNames = [...]string{"client-left", "quit", "protocol-error", "output-limit", "query-limit", "idle-timeout",
	"auth-timeout", "truncated-reply", "drained", "blocking-lost",
	"slow-subscriber", "subscription-lost", "gap", "killed", "replication-ended", "too-many"}

func (r CloseReason) String() string { return closeNames[r] }

// Session is one client's memory.
type Session struct {
	// DB is the number of the database that SELECT chose.
	DB int32
	// Listener is the number of the listener that the client came to.
	Listener int32
	// Proto is 2 or 3.
	Proto uint8
	// Authenticated, or no password is asked.
	Authenticated bool
	// Ending: nothing more is read; it is closed when what it is owed has been written.
	Ending bool
	// Why it ends.
	Why CloseReason
	// Costly: a connection has ended on a request of it that was alone there.
	Costly bool
	// HalfClosed: the client has closed its half of the connection: it sends nothing more, and may still read.
	HalfClosed bool
	// Multi is the transaction between MULTI and EXEC; nil for most.
	Multi *Multi
	// Watch is what WATCH asked for; nil for most.
	Watch *Watch
	// OpenedAt and ActiveAt are times of the worker's clock.
	OpenedAt time.Duration
	ActiveAt time.Duration
	// Told is what the client said of itself; nil for most.
	Identity *Identity
}

// Multi is a transaction that is being queued. It is sent when EXEC comes, whole, so that nothing of it is executed
// when the client leaves before.
type Multi struct {
	// Body are the frames of MULTI and its commands, one behind the other, and Count how many commands they are. It is
	// empty while there is none.
	Body  []byte
	Count int
	// Placeholders are its commands that the gateway answers by itself, in their order.
	Placeholders []Placeholder
	// Slot of its keys; -1 while none was named, or where there are no slots.
	Slot int
	// Aborted: a command of it was refused, so EXEC will be.
	Aborted bool
	// Nested: MULTI or WATCH came within it. Servers refuse these, and some refuse EXEC then.
	Nested bool
	// Named: one of its commands runs a script by its name.
	Named bool
	// Scripts: one of them brings a script, or has all forgotten.
	Scripts bool
	// Writes: one of its commands may change something. Counts: the reply to one of them counts subscribers.
	Writes bool
	Counts bool
	// Alone: one of its commands may harm who shares its connection.
	Alone bool
}

// Placeholder is a command in a transaction for which another one is sent, as number At of it.
type Placeholder struct {
	At   int
	Args [][]byte
}

// Watch is what a session has told a server to watch for it, on a connection of its own.
type Watch struct {
	// Slot of the keys, or -1 where there are no slots.
	Slot int
	// Broken: that connection is gone, so nobody knows whether the keys have changed: EXEC answers nil, as if they had.
	Broken bool
}

// Told is what a client said of itself, shown in CLIENT LIST.
type Identity struct {
	Name, Library, Version string
}

// Tell returns s.Told, made when needed.
func (s *Session) Identify() *Identity {
	if s.Identity == nil {
		s.Identity = &Identity{}
	}
	return s.Identity
}

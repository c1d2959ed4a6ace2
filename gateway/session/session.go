// Package session has the state of one client: its identity, the transaction that it queues, the keys that it watches,
// and why it leaves. Other rooms read its fields, and change them by methods that are named by what happens. Begin with
// Session.
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
	// UserGone: its user was removed, or may not listen any more to what it is subscribed to.
	UserGone
	// TooMany: there are as many clients as allowed.
	TooMany
	// MemoryLimit: the memory of all clients exceeded its bound, and this one's was among the largest.
	MemoryLimit

	// CloseReasons is the number of reasons.
	CloseReasons = int(MemoryLimit) + 1
)

var closeNames = [...]string{"client-left", "quit", "protocol-error", "output-limit", "query-limit", "idle-timeout",
	"auth-timeout", "truncated-reply", "drained", "blocking-lost",
	"slow-subscriber", "subscription-lost", "gap", "killed", "replication-ended", "user-gone", "too-many",
	"memory-limit"}

func (r CloseReason) String() string { return closeNames[r] }

// Session is the state of one client.
type Session struct {
	// DB is the database that SELECT chose.
	DB int32
	// Listener is the ID of the listener that accepted the client.
	Listener int32
	// Proto is 2 or 3.
	Proto uint8
	// Ending: nothing more is read; the client is closed when its pending replies are written.
	Ending bool
	// Why it ends.
	Why CloseReason
	// Costly: a connection was closed on a request of this client that was alone there.
	Costly bool
	// HalfClosed: the client has closed its sending half; it may still read.
	HalfClosed bool
	// AwaitsAdmin: nothing more is read until an admin request is answered.
	AwaitsAdmin bool
	// NoEvict is what CLIENT NO-EVICT asked for.
	NoEvict bool
	// Notices are those of CLIENT MAINT_NOTIFICATIONS.
	Notices Notices
	// Watch is the state of WATCH.
	Watch Watch
	// Multi is the transaction between MULTI and EXEC; nil for most.
	Multi *Multi
	// OpenedAt and ActiveAt are times of the worker's clock.
	OpenedAt time.Duration
	ActiveAt time.Duration
	// Identity is set by the client itself; nil for most.
	Identity *Identity
}

// Identity is what a client has set about itself, shown in CLIENT LIST.
type Identity struct {
	Name, Library, Version string
}

// Memory is how many bytes the texts take; none for a nil Identity.
func (i *Identity) Memory() int {
	if i == nil {
		return 0
	}
	return len(i.Name) + len(i.Library) + len(i.Version)
}

// SwitchTo makes the client use another protocol and database from its next request on. Only RESP3 has pushes, so that
// RESP2 ends its notifications.
func (s *Session) SwitchTo(proto uint8, db int32) {
	s.Proto, s.DB = proto, db
	if proto != 3 {
		s.ForgetNotices()
	}
}

// Reset makes of the session what it was when it began, as RESET does: its transaction ends, its name goes. Its WATCH
// is not ended: a server must know of that.
func (s *Session) Reset() {
	s.SwitchTo(2, 0)
	s.NoEvict, s.Multi = false, nil
	if s.Identity != nil {
		s.Identity.Name = ""
	}
}

// Touch records that the client was active at the time now.
func (s *Session) Touch(now time.Duration) { s.ActiveAt = now }

// HalfClose records that the client has closed its sending half.
func (s *Session) HalfClose() { s.HalfClosed = true }

// Finish records that nothing more is read from the client, and why. It is closed when its pending replies are written.
func (s *Session) Finish(why CloseReason) { s.Ending, s.Why = true, why }

// Suspect records that a connection was closed on a request of the client that was alone there: its next request may be
// like that one.
func (s *Session) Suspect() { s.Costly = true }

// AwaitAdmin records that nothing more is read until an admin request is answered.
func (s *Session) AwaitAdmin() { s.AwaitsAdmin = true }

// AdminAnswered ends what AwaitAdmin began.
func (s *Session) AdminAnswered() { s.AwaitsAdmin = false }

// AskNoEvict records what CLIENT NO-EVICT asked for.
func (s *Session) AskNoEvict(on bool) { s.NoEvict = on }

// SetName records the name of the client, "" for none.
func (s *Session) SetName(name string) { s.identify().Name = name }

// SetLibrary records the name of the client's library.
func (s *Session) SetLibrary(name string) { s.identify().Library = name }

// SetLibVer records the version of the client's library.
func (s *Session) SetLibVer(version string) { s.identify().Version = version }

// identify returns s.Identity, which it makes if needed.
func (s *Session) identify() *Identity {
	if s.Identity == nil {
		s.Identity = &Identity{}
	}
	return s.Identity
}

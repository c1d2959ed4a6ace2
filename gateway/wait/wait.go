// Package wait knows which sessions are blocked, until when, and resumes them.
//
// A session waits at one Place, for one Reason. It runs again when its Place is woken through the Clock, which also
// knows when the next round is needed. Lists and Buffers have the sessions that wait for the same thing; a Load counts
// those that wait for a server.
//
// Begin with Place and Clock. The package decides nothing: it must not know what a session waits for beyond the Reason,
// or what becomes of its request.
package wait

import "time"

// Never is later than any time.
const Never = time.Duration(1<<63 - 1)

// Reason is why a session is blocked.
type Reason uint8

const (
	// Running: it waits for nothing.
	Running Reason = iota
	// NoPrimary: the shard has no primary.
	NoPrimary
	// NoConnection: no connection to the shard's servers can take the request now.
	NoConnection
	// Refused: a server rejected the request, which is retried in a moment.
	Refused
	// ConnectionFull: the connection has as much in flight as it should.
	ConnectionFull
	// InFlight: its requests in flight must be answered first.
	InFlight
	// OwedTooMuch: the client must read its replies first.
	OwedTooMuch
	// Asking: a server is being asked about the command.
	Asking
	// NoDedicatedConnection: it needs a dedicated connection to the shard's primary, which is being opened, or there
	// are too many.
	NoDedicatedConnection
	// Blocked: its blocking command must be answered first.
	Blocked
	// Subscribing: its subscription must be acknowledged first.
	Subscribing
	// Paused: CLIENT PAUSE blocks it.
	Paused
	// Slowed: its address has sent many wrong passwords.
	Slowed
	// RateLimited: its user or its address has made all the requests that it may make for now.
	RateLimited
	// Growing: its unread input is being moved to a larger buffer, a part in each round.
	Growing
	// LacksReplicas: too few replicas are attached to a new primary to confirm a write.
	LacksReplicas

	// Reasons is the number of reasons.
	Reasons = int(LacksReplicas) + 1
)

var names = [...]string{"running", "no-primary", "no-connection", "rejected", "connection-full", "in-flight",
	"replies-unread", "command-lookup", "no-dedicated-connection", "blocking-command", "subscribing", "client-pause",
	"auth-delay", "rate-limit", "input-growing", "lacks-replicas"}

func (r Reason) String() string { return names[r] }

// Place is where one session waits. The zero value is that of a session which waits for nothing.
type Place struct {
	// WaitsSince is when the request at the front first had to wait for a server; 0 if it has not.
	WaitsSince time.Duration
	// alarm is when the session runs again in any case; 0 without one.
	alarm time.Duration
	// weight is its size in Load, in bytes, up to 4 GiB.
	weight uint32
	// Reason is why it is blocked.
	Reason  Reason
	queued  bool // named in Clock.ready
	counted bool // in Load
}

// Waits reports whether the session is blocked.
func (p *Place) Waits() bool { return p.Reason != Running }

// AwaitsServer reports whether it waits for a server that takes its request.
func (p *Place) AwaitsServer() bool {
	switch p.Reason {
	case NoPrimary, NoConnection, NoDedicatedConnection, Subscribing:
		return true
	}
	return false
}

// Awake reports whether the session will run before the round ends.
func (p *Place) Awake() bool { return p.queued }

// Alarmed reports whether an alarm will wake the session.
func (p *Place) Alarmed() bool { return p.alarm > 0 }

// Counted reports whether a Load counts the session, and with how many bytes.
func (p *Place) Counted() (is bool, bytes int) { return p.counted, int(p.weight) }

// Block makes the session wait for a reason, until it is woken.
func (p *Place) Block(why Reason) { p.Reason = why }

// Resume makes the session wait for nothing: it runs now, or has left.
func (p *Place) Resume() { p.Reason = Running }

// Take reports whether the Place was woken, and makes its session Resume then.
func (p *Place) Take() bool {
	if !p.queued {
		return false
	}
	p.queued = false
	p.Resume()
	return true
}

// BeginWait records that the request at the front has to wait for a server, from the time now on. It returns false when
// it waits already.
func (p *Place) BeginWait(now time.Duration) bool {
	if p.WaitsSince != 0 {
		return false
	}
	p.WaitsSince = max(now, 1)
	return true
}

// EndWait records that the request at the front was answered or sent. It returns false when it did not wait.
func (p *Place) EndWait() bool {
	if p.WaitsSince == 0 {
		return false
	}
	p.WaitsSince = 0
	return true
}

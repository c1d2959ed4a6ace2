// Package wait knows which sessions wait, until when, and wakes them: it decides nothing, and does not know what for.
//
// A session waits at one Place, for one Reason. It runs again when its Place is woken through the Clock, which also
// knows when a round is needed next. Lists and Buffers name the sessions that wait for one thing.
package wait

import "time"

// Never is later than any time.
const Never = time.Duration(1<<63 - 1)

// Reason says what a session waits for.
type Reason uint8

const (
	// Running: it waits for nothing.
	Running Reason = iota
	// NoPrimary: the shard has no primary.
	NoPrimary
	// NoConnection: no connection to the shard's servers can take the request now.
	NoConnection
	// Refused: a server refused the request, and it is done again in a moment.
	Refused
	// ConnectionFull: the lane holds as much as it should.
	ConnectionFull
	// Flight: what it sent must be answered first.
	InFlight
	// OwedTooMuch: it must read its replies first.
	OwedTooMuch
	// Asking: a server is being asked about the command.
	Asking
	// NoDedicatedConnection: it needs a connection of its own to the shard's primary, which is being made, or there are
	// too many.
	NoDedicatedConnection
	// Blocked: its blocking command must be answered first.
	Blocked
	// Subscribing: its subscription must be acknowledged first.
	Subscribing
	// Postponed: CLIENT PAUSE has it wait.
	Paused

	// Reasons is how many there are.
	Reasons = int(Paused) + 1
)

var names = [...]string{"running", "no-primary", "no-connection", "rejected", "connection-full", "in-flight",
	"replies-unread", "command-lookup", "no-dedicated-connection", "blocking-command", "subscribing", "client-pause"}

func (r Reason) String() string { return names[r] }

// Place is where one session waits. The zero value is a session that waits for nothing.
type Place struct {
	// WaitsSince is when the request in front first had to wait for a server; 0 when it has not.
	WaitsSince time.Duration
	// alarm is when the session runs again whatever comes; 0 without one.
	alarm time.Duration
	// weight is what Load counts of it, in bytes.
	weight int
	// Reason says what it waits for.
	Reason  Reason
	queued  bool // named in Clock.ready
	counted bool // in Load
}

// Waits reports whether the session waits for anything.
func (p *Place) Waits() bool { return p.Reason != Running }

// Awake reports whether the session runs before the round ends.
func (p *Place) Awake() bool { return p.queued }

// Alarmed reports whether an alarm wakes the session.
func (p *Place) Alarmed() bool { return p.alarm > 0 }

// Counted reports whether a Load counts the session, and with how many bytes.
func (p *Place) Counted() (is bool, bytes int) { return p.counted, p.weight }

// Take reports whether a session's Place was woken, and has it wait for nothing.
func (p *Place) Take() bool {
	was := p.queued
	p.queued = false
	return was
}

package upstream

import "time"

// Obstacle is why no connection could be chosen.
type Obstacle uint8

const (
	Free          Obstacle = iota
	NoPrimary              // the shard has no primary
	NoConn                 // no connection to its primary can take it now
	SoonConn               // there will be one in a moment
	NoView                 // nothing is known of the servers yet
	NoReplica              // no connection to its replicas can, and the read policy leaves nobody else
	SoonDedicated          // there will be a connection of the session's own in a moment
	NoDedicated            // none can be had now
	NoServer               // the read policy leaves no server at all
	InFlight               // earlier requests must be answered first
	Full                   // the connection holds as much as it should
	RunsScript             // its primary runs a script and takes nothing else
)

// Reads says which servers may answer reads.
type Reads uint8

const (
	// FromPrimary sends reads to the primary.
	FromPrimary Reads = iota
	// PreferReplica sends reads round-robin to replicas, to the primary when none can answer.
	PreferReplica
	// OnlyReplica sends reads to replicas; without one they get an error.
	OnlyReplica
)

const (
	// ConnsMax bounds the connections of one key of a worker.
	ConnsMax = 4
	// RedialMin and redialMax bound the pause between two failing dials; the first redial is immediate.
	RedialMin = 50 * time.Millisecond
	RedialMax = time.Second
	// retireGrace is how long a connection whose node lost its role may take to answer what it was sent, successorGrace
	// how long when the new primary waits for it.
	retireGrace    = time.Second
	successorGrace = 50 * time.Millisecond
	// dialGrace is how long a read waits for a replica that is being dialled while others could serve it.
	dialGrace = 100 * time.Millisecond
	// FullRetry bounds how long a session waits for a full connection without being woken.
	FullRetry = 100 * time.Millisecond
	// IdleAfter is how long an additional connection may be unused.
	IdleAfter = 60 * time.Second
	// SteadyAfter is how long a connection must have been open for its end to be met by an immediate redial.
	SteadyAfter = time.Second
)

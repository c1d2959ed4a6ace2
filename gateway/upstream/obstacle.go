package upstream

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

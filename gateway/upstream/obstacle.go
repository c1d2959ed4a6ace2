package upstream

// Obstacle is why there is no connection for a request.
type Obstacle uint8

const (
	Free          Obstacle = iota
	NoPrimary              // the shard has no primary
	NoConn                 // no connection to its primary can take it now
	SoonConn               // one is being opened
	NoView                 // the topology is not known yet
	NoReplica              // no connection to its replicas can, and the read policy allows no other server
	SoonDedicated          // a dedicated connection is being opened
	NoDedicated            // no dedicated connection may be opened now
	NoServer               // the read policy allows no server at all
	InFlight               // earlier requests must be answered first
	Full                   // the connection holds as much as it should
	RunsScript             // its primary runs a script and takes nothing else
	LacksReplicas          // fewer replicas are attached to its primary than must confirm a write
	NotAdmitted            // its replicas reject the user's credentials, and the read policy allows no other server
)

package session

// Round is a WAIT or WAITAOF that goes from shard to shard of a cluster.
type Round struct {
	Shard int
	// Least is the least of what they said; both numbers of WAITAOF.
	Least [2]int64
}

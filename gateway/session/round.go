package session

// Round is a WAIT or WAITAOF that asks one shard of a cluster after the other.
type Round struct {
	// Shard is the index of the shard that is asked.
	Shard int
	// Least is the least count so far; WAITAOF has two.
	Least [2]int64
}

// Take takes the counts of the shard that was asked, at most two, and turns to the next shard.
func (r *Round) Take(counts []int64) {
	for i, n := range counts {
		if r.Shard == 0 || n < r.Least[i] {
			r.Least[i] = n
		}
	}
	r.Shard++
}

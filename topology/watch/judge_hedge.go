package watch

// hedge reports shards without a second replica, where reads are sent to another one if the first is late.
func (j *judgement) hedge() {
	if !j.s.Hedges || j.View == nil {
		return
	}
	for i := range j.View.Shards {
		if shard := &j.View.Shards[i]; len(shard.Replicas) < 2 {
			j.problem(Hint, "shard %s has fewer than two replicas that may serve reads: hedge has no effect there", shard.Name)
		}
	}
}

package topology

// Copies is how many replicas a shard has, as far as they matter to whether a write outlives its primary.
type Copies struct {
	// Attached are the replicas that are online by the primary's own report, without those that did not answer when they
	// were last asked. -1: the primary does not report them.
	Attached int
	// Promotable are the replicas that may be promoted, whether they are up or down.
	Promotable int
	// Bystanders are those that WAIT counts and that are never promoted: replicas with a replica-priority of 0, and what
	// is attached beyond the known replicas, such as a tool that copies the data.
	Bystanders int
}

// CopiesOf counts the replicas of a node's shard. A node that serves no slot yet may have as many as any other.
func (v *View) CopiesOf(id NodeID) Copies {
	if i := v.ShardOf(id); i >= 0 {
		return v.Shards[i].Copies
	}
	c := Copies{Attached: -1}
	if v == nil {
		return c
	}
	for i := range v.Shards {
		of := &v.Shards[i].Copies
		c.Promotable, c.Bystanders = max(c.Promotable, of.Promotable), max(c.Bystanders, of.Bystanders)
	}
	return c
}

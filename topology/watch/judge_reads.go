package watch

// Reads is where the clients of a service read, as far as a survey has something to say about it.
type Reads struct {
	// Replicas: some of them read from replicas. Auto: no longer while a primary evicts what it has not served for long.
	// OwnWrites: they rely on the gateway's knowledge of all writes.
	Replicas, Auto, OwnWrites bool
}

// reads reports primaries that evict what clients read from replicas only.
func (j *judgement) reads() {
	n := j.View.EvictsUnread()
	switch {
	case n == nil || !j.s.Reads.Replicas:
	case j.s.Reads.Auto:
		j.problem(Hint, "reads go to primaries: %s evicts by %s, for which reads from replicas do not count; --reads "+
			"prefer-replica has replicas serve them nevertheless", n.Addr, n.Eviction)
	default:
		j.problem(Warning, "%s evicts by %s, for which reads from replicas do not count: it evicts keys that are read "+
			"often, but only there; --reads auto has primaries serve reads", n.Addr, n.Eviction)
	}
}

// gateways reports primaries that several gateways use: none of them knows the writes of another one.
func (j *judgement) gateways() {
	if !j.s.Reads.Replicas || !j.s.Reads.OwnWrites || j.s.Reads.Auto && j.View.EvictsUnread() != nil {
		return
	}
	for _, n := range j.Nodes {
		if many := len(n.Gateways); many > 1 {
			j.problem(Warning, "%d gateways use %s: a read from a replica has all writes of its own gateway, and may lack "+
				"those of another one; --consistency strong has primaries serve reads", many, n.Addr)
			return
		}
	}
}

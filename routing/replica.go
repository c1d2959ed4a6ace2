package routing

// MayReplicate reports whether servers copy the command's effect to replicas, or may: those commands wait for CLIENT
// PAUSE WRITE. A backup, or a command that ends a script, is not among them.
func (c *Command) MayReplicate() bool {
	switch c.ID {
	case CmdPFCount, CmdPublish, CmdSPublish:
		return true
	}
	return c.ReplicaRefuses()
}

// ReplicaRefuses reports whether a read-only replica rejects the command with READONLY: it changes keys, or may.
func (c *Command) ReplicaRefuses() bool { return c.Has(Write) && !c.Has(ReplicaTakes) }

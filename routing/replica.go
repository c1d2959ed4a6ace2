package routing

// MayReplicate reports whether servers copy what the command does to replicas, or may: that is what CLIENT PAUSE WRITE
// has wait. A backup, or what ends a script, is not among it.
func (c *Command) MayReplicate() bool {
	switch c.ID {
	case CmdPFCount, CmdPublish, CmdSPublish:
		return true
	}
	return c.ReplicaRefuses()
}

// ReplicaRefuses reports whether a read-only replica refuses the command with READONLY: it changes keys, or may.
func (c *Command) ReplicaRefuses() bool { return c.Has(Write) && !c.Has(ReplicaTakes) }

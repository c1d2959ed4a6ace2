package sessions

import (
	"evergate/gateway/downstream"
	"evergate/gateway/wait"
)

// pass writes a whole reply whose turn has come, or drops it.
func (x *Sessions) pass(c *Session, reply []byte) {
	if len(reply) > 0 && reply[0] == '-' {
		c.Service.counts.Errors[prefixOf(reply)]++
	}
	if c.Mode.Drops() {
		c.Mode.Dropped()
	} else {
		c.Output.Append(x.blocks, reply)
	}
	c.Replies.Pass()
	x.pushKept(c)
}

// Acknowledge answers SUBSCRIBE and its kin. Their reply is a push, as messages are, and is never dropped. All earlier
// requests must be answered, see WaitsToAcknowledge.
func (x *Sessions) Acknowledge(c *Session, acks []byte) {
	off := c.Mode == downstream.Off
	c.Mode.Turn(true)
	x.Answer(c, acks)
	if off {
		c.Mode.Turn(false)
	}
}

// WaitsToAcknowledge blocks a session whose replies are dropped while earlier ones are still to come, and reports
// whether it did.
func (x *Sessions) WaitsToAcknowledge(c *Session) bool {
	if !c.Mode.Drops() || c.Replies.Owed() == 0 {
		return false
	}
	x.Block(c, wait.InFlight)
	return true
}

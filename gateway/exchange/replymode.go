package exchange

import (
	"evergate/gateway/wait"
)

// CLIENT REPLY makes the gateway drop replies before they reach the client. On upstream connections nothing changes:
// the servers reply, and every request keeps its place.

// replyMode is which replies of a session are dropped.
type replyMode uint8

const (
	replyOn   replyMode = iota
	replySkip           // the next reply
	replyOff
)

// Reply executes CLIENT REPLY ON or OFF. All earlier requests must be answered.
func (c *Session) Reply(on bool) {
	c.replyMode = replyOff
	if on {
		c.replyMode = replyOn
	}
}

// SkipReply executes CLIENT REPLY SKIP.
func (c *Session) SkipReply() {
	if c.replyMode == replyOn {
		c.replyMode = replySkip
	}
}

// RepliesDropped reports whether the next reply is dropped.
func (c *Session) RepliesDropped() bool { return c.replyMode != replyOn }

// ResetReply undoes CLIENT REPLY OFF. SKIP stays: it concerns the reply to come.
func (c *Session) ResetReply() {
	if c.replyMode == replyOff {
		c.replyMode = replyOn
	}
}

// pass writes a whole reply whose turn has come, or drops it.
func (x *Exchange) pass(c *Session, reply []byte) {
	if c.replyMode == replyOn {
		c.Output.Append(x.blocks, reply)
	} else {
		c.replyDropped()
	}
	c.Replies.Pass()
	x.pushKept(c)
}

// Acknowledge answers SUBSCRIBE and its kin. Their reply is a push, as messages are, and is never dropped. All earlier
// requests must be answered, see WaitsToAcknowledge.
func (x *Exchange) Acknowledge(c *Session, acks []byte) {
	was := c.replyMode
	c.replyMode = replyOn
	x.Answer(c, acks)
	if was == replyOff {
		c.replyMode = replyOff
	}
}

// WaitsToAcknowledge blocks a session whose replies are dropped while earlier ones are still to come, and reports
// whether it did.
func (x *Exchange) WaitsToAcknowledge(c *Session) bool {
	if c.replyMode == replyOn || c.Replies.Owed() == 0 {
		return false
	}
	x.Block(c, wait.InFlight)
	return true
}

// replyDropped ends a SKIP: the reply was dropped.
func (c *Session) replyDropped() {
	if c.replyMode == replySkip {
		c.replyMode = replyOn
	}
}

package exchange

import (
	"evergate/gateway/wait"
)

// CLIENT REPLY has replies dropped before they reach the client. On a connection nothing changes: the servers answer,
// and the row of places is kept as ever.

// replyMode is which replies of a session are dropped.
type replyMode uint8

const (
	replyOn   replyMode = iota
	replySkip           // the next reply
	replyOff
)

// Reply does CLIENT REPLY ON|OFF. All that came before has been answered.
func (c *Session) Reply(on bool) {
	c.replyMode = replyOff
	if on {
		c.replyMode = replyOn
	}
}

// SkipReply does CLIENT REPLY SKIP.
func (c *Session) SkipReply() {
	if c.replyMode == replyOn {
		c.replyMode = replySkip
	}
}

// RepliesDropped reports whether the next reply is dropped.
func (c *Session) RepliesDropped() bool { return c.replyMode != replyOn }

// ResetReply undoes CLIENT REPLY OFF; what a SKIP is for is the reply to come.
func (c *Session) ResetReply() {
	if c.replyMode == replyOff {
		c.replyMode = replyOn
	}
}

// pass hands a whole reply over, whose turn has come, or drops it.
func (x *Exchange) pass(c *Session, reply []byte) {
	if c.replyMode == replyOn {
		c.Output.Append(x.blocks, reply)
	} else {
		c.replyDropped()
	}
	c.Replies.Pass()
	x.pushKept(c)
}

// Acknowledge answers SUBSCRIBE and its kin, which is a push, as messages are: nothing drops it. All that came before
// has been answered, see waitsToAcknowledge.
func (x *Exchange) Acknowledge(c *Session, acks []byte) {
	was := c.replyMode
	c.replyMode = replyOn
	x.Answer(c, acks)
	if was == replyOff {
		c.replyMode = replyOff
	}
}

// WaitsToAcknowledge parks a session whose replies are dropped until that has come to an end for those before.
func (x *Exchange) WaitsToAcknowledge(c *Session) bool {
	if c.replyMode == replyOn || c.Replies.Owed() == 0 {
		return false
	}
	x.Block(c, wait.InFlight)
	return true
}

// replyDropped notes that a reply was dropped.
func (c *Session) replyDropped() {
	if c.replyMode == replySkip {
		c.replyMode = replyOn
	}
}

package worker

import (
	"evergate/gateway/local"
	"evergate/gateway/wait"
)

// CLIENT REPLY has replies dropped before they reach the client. On a lane nothing changes: the servers answer, and the
// row of places is kept as ever.

// replyMode is which replies of a session are dropped.
type replyMode uint8

const (
	replyOn   replyMode = iota
	replySkip           // the next reply
	replyOff
)

// setReplyMode does CLIENT REPLY ON|OFF|SKIP. All that came before has been answered.
func (c *client) setReplyMode(do *local.Effect) {
	switch {
	case do.Has(local.ReplyOn):
		c.replyMode = replyOn
	case do.Has(local.ReplyOff):
		c.replyMode = replyOff
	case c.replyMode == replyOn:
		c.replyMode = replySkip
	}
}

// pass hands a whole reply over, whose turn has come, or drops it.
func (w *Worker) pass(c *client, reply []byte) {
	if c.replyMode == replyOn {
		c.Output.Append(w.blocks, reply)
	} else {
		c.replyDropped()
	}
	c.Replies.Pass()
	w.pushKept(c)
}

// acknowledge answers SUBSCRIBE and its kin, which is a push, as messages are: nothing drops it. All that came before
// has been answered, see waitsToAcknowledge.
func (w *Worker) acknowledge(c *client, acks []byte) {
	was := c.replyMode
	c.replyMode = replyOn
	w.answer(c, acks)
	if was == replyOff {
		c.replyMode = replyOff
	}
}

// waitsToAcknowledge parks a session whose replies are dropped until that has come to an end for those before.
func (w *Worker) waitsToAcknowledge(c *client) bool {
	if c.replyMode == replyOn || c.Replies.Owed() == 0 {
		return false
	}
	w.park(c, wait.InFlight)
	return true
}

// replyDropped notes that a reply was dropped.
func (c *client) replyDropped() {
	if c.replyMode == replySkip {
		c.replyMode = replyOn
	}
}

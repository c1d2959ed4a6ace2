package worker

import (
	"evergate/gateway/resp"
	"evergate/gateway/wait"
)

// CLIENT REPLY has replies dropped before they reach the client. On a lane nothing changes: the servers answer, and the
// row of places is kept as ever.

// mute says which replies of a session are dropped.
type mute uint8

const (
	loud    mute = iota
	muteOne      // the next reply
	muteAll
)

// clientReply does CLIENT REPLY ON|OFF|SKIP. All that came before has been answered.
func (w *Worker) clientReply(c *client, how []byte) {
	switch {
	case resp.IsWord(how, "on"):
		c.mute = loud
		w.answer(c, resp.OK)
	case resp.IsWord(how, "off"):
		c.mute = muteAll
	case resp.IsWord(how, "skip"):
		if c.mute == loud {
			c.mute = muteOne
		}
	default:
		w.answer(c, resp.SyntaxError)
	}
}

// pass hands a whole reply over, whose turn has come, or drops it.
func (w *Worker) pass(c *client, reply []byte) {
	if c.mute == loud {
		c.Output.Append(&w.blocks, reply)
	} else {
		c.unmute()
	}
	c.Replies.Pass()
	w.pushKept(c)
}

// acknowledge answers SUBSCRIBE and its kin, which is a push, as messages are: nothing drops it. All that came before
// has been answered, see waitsToAcknowledge.
func (w *Worker) acknowledge(c *client, acks []byte) {
	was := c.mute
	c.mute = loud
	w.answer(c, acks)
	if was == muteAll {
		c.mute = muteAll
	}
}

// waitsToAcknowledge parks a session whose replies are dropped until that has come to an end for those before.
func (w *Worker) waitsToAcknowledge(c *client) bool {
	if c.mute == loud || c.Replies.Owed() == 0 {
		return false
	}
	w.park(c, wait.Flight)
	return true
}

// unmute says that a reply was dropped.
func (c *client) unmute() {
	if c.mute == muteOne {
		c.mute = loud
	}
}

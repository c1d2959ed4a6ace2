package worker

import "evergate/gateway/resp"

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
	case isWord(how, "on"):
		c.mute = loud
		w.answer(c, resp.OK)
	case isWord(how, "off"):
		c.mute = muteAll
	case isWord(how, "skip"):
		if c.mute == loud {
			c.mute = muteOne
		}
	default:
		w.answer(c, syntaxErr)
	}
}

// pass hands a whole reply over, whose turn has come, or drops it.
func (w *Worker) pass(c *client, reply []byte) {
	if c.mute == loud {
		c.out = append(w.buffers.room(c.out, len(reply)), reply...)
	} else {
		c.unmute()
	}
	c.Replies.Pass()
}

// unmute says that a reply was dropped.
func (c *client) unmute() {
	if c.mute == muteOne {
		c.mute = loud
	}
}

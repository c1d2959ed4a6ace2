package sessions

import (
	"time"

	"evergate/gateway/session"
)

// A client may fall behind for a moment, but not for good. Past the soft limit of its class it is closed when it stays
// there; past the hard one at once. The sweep looks once a second.

// OutputLimit bounds the pending output of a client of one class: Max are bytes, which must be positive.
type OutputLimit struct {
	Max  int
	Soft SoftLimit
}

// SoftLimit bounds the pending output of a client over a time. The zero value bounds nothing.
type SoftLimit struct {
	Bytes int
	For   time.Duration
}

// softLimit is that of a client's class: clients to which messages or the commands of others are sent, or all others.
func (t *Table) softLimit(c *Session) *SoftLimit {
	if c.listensOn() {
		return &c.terms.Push.Soft
	}
	return &c.terms.Output.Soft
}

// watchSoft notes whether size bytes of pending output exceed the soft limit of a client.
func (t *Table) watchSoft(c *Session, size int) {
	limit := t.softLimit(c)
	over := limit.Bytes > 0 && size > limit.Bytes && !c.closed
	if over == c.over {
		return
	}
	c.over = over
	if !over {
		t.overs--
		return
	}
	t.overs++
	c.own().overSince = t.x.clock.Now
	t.x.clock.At(t.sweepAt)
}

// closeOver closes a client that has been past its soft limit for too long.
func (t *Table) closeOver(c *Session) {
	size := c.heldBytes()
	if t.watchSoft(c, size); !c.over || t.x.clock.Now-c.overSince < t.softLimit(c).For {
		return
	}
	if c.listensOn() {
		t.x.cut(c, session.SlowSubscriber, size)
	} else {
		t.Close(c, session.OutputLimit)
	}
}

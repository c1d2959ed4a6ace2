package sessions

import "evergate/gateway/acks"

// Acks is how the writes of a session are confirmed.
func (c *Session) Acks() acks.Terms {
	t := c.terms.Acks
	if c.rare.acks.set {
		t.Level = c.rare.acks.level
	}
	return t
}

// SetAcks sets how many replicas must confirm the writes of a session, whatever is set for its client; own is false
// where that ends.
func (c *Session) SetAcks(level acks.Level, own bool) {
	if own || c.rare.acks.set {
		c.own().acks = ownAcks{own, level}
	}
}

// CountUnconfirmed counts n more bytes of replies that a connection keeps for the session until replicas have confirmed
// its writes, or less.
func (c *Session) CountUnconfirmed(n int) { c.own().unconfirmed += n }

package clients

import (
	"strconv"

	"evergate/testenv/sim/ledger"
)

// ownAcks are how many replicas a client may want to confirm its writes.
var ownAcks = [...]string{"0", "1", "majority", "all", "default"}

// choosesAcks says that a client chooses that for itself now: where users are, their rights would be in the way.
func (c *Client) choosesAcks() bool {
	o := &c.w.Options
	return o.Acks.Asked() && !o.Users && c.facade == ledger.Plain && c.w.Rnd.IntN(40) == 0
}

// nextAside returns what a client asks for besides data now; nil for nothing.
func (c *Client) nextAside() []byte {
	switch {
	case c.due:
		return c.asksNotices()
	case c.choosesAcks():
		return c.nextAcks()
	case c.w.Options.OwnWait && c.facade == ledger.Plain && c.w.Rnd.IntN(20) == 0:
		_, b := c.ask(ledger.Wait, nil, "WAIT", strconv.Itoa(1+c.w.Rnd.IntN(2)), strconv.Itoa(20<<c.w.Rnd.IntN(6)))
		return b
	}
	return nil
}

// nextAcks returns the bytes of a PROXY ACKS.
func (c *Client) nextAcks() []byte {
	level := ownAcks[c.w.Rnd.IntN(len(ownAcks))]
	r, b := c.ask(ledger.Acks, nil, "PROXY", "ACKS", level)
	r.Chooses(level)
	c.acks = r
	return b
}

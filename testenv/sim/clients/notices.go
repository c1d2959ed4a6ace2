package clients

import (
	"strings"

	"evergate/testenv/sim/ledger"
	"evergate/testenv/sim/network"
)

// notices is what a client knows of its notifications.
type notices struct {
	// due: it asks next. asked: it has; the reply may still be on its way.
	due, asked bool
	// failing: it was sent FAILING_OVER and not yet FAILED_OVER.
	failing bool
	// seen is the number of the last notification.
	seen string
}

// asksNotices returns the bytes of CLIENT MAINT_NOTIFICATIONS.
func (c *Client) asksNotices() []byte {
	c.due, c.asked = false, true
	_, b := c.ask(ledger.Notices, nil, "CLIENT", "MAINT_NOTIFICATIONS", "ON")
	return b
}

// notified takes a push, between replies.
func (c *Client) notified(frame []byte) {
	words := strings.Split(string(frame), "\r\n")
	kind, seq := words[min(2, len(words)-1)], words[min(3, len(words)-1)]
	c.w.Tracef("client %d is notified: %q", c.Number, network.Clip(frame))
	switch {
	case !c.asked:
		c.w.ledger.Fail("client %d did not ask, and is notified: %q", c.Number, network.Clip(frame))
	case kind == "FAILING_OVER" && !c.failing, kind == "FAILED_OVER" && c.failing:
		c.failing = !c.failing
	case kind == "MOVING" && c.w.gateway.Drains():
	default:
		c.w.ledger.Fail("client %d, which knows of a hold: %v, is notified: %q", c.Number, c.failing, network.Clip(frame))
	}
	if len(seq) < len(c.seen) || len(seq) == len(c.seen) && seq <= c.seen {
		c.w.ledger.Fail("client %d is notified of %q after %q", c.Number, seq, c.seen)
	}
	c.seen = seq
}

// KnowsOfHold reports whether the client was sent FAILING_OVER and not yet FAILED_OVER.
func (c *Client) KnowsOfHold() bool { return c.Open && c.failing }

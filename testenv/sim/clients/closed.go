package clients

import (
	"slices"

	"evergate/testenv/sim/ledger"
)

// closedByGateway counts a close that the client did not ask for.
func (c *Client) closedByGateway() {
	c.Open = false
	if (c.last || c.Shut) && len(c.Waiting) == 0 {
		return
	}
	limits := c.w.gateway.OverLimits(c.Worker)
	expelled := c.w.Options.Users && c.w.ledger.Expelled(c.since)
	switch {
	case expelled:
	case !c.Shut:
		c.w.CutOff++
	case c.Waiting[0].Kind == ledger.Block || c.Waiting[0].Kind == ledger.Wait: // a blocking command ends with its client
	case c.shutCalm && !c.w.gateway.Drains() && limits == 0:
		c.w.ledger.Fail("client %d closed its half and was not answered: %v", c.Number, c.Waiting[0])
	}
	for _, r := range c.Waiting {
		if len(r.Ran) > 0 && !c.Shut && limits == 0 && !expelled && !c.closedBlocked() {
			c.w.ledger.Fail("client %d was closed before it was told that %v was executed", c.Number, r)
		}
		c.w.ledger.Orphaned(r)
	}
	c.Waiting = nil
}

// closedBlocked returns whether a drain may have closed the client within a blocking command, whose server could not be
// asked to end it, or did not answer in time.
func (c *Client) closedBlocked() bool {
	blocks := func(r *ledger.Request) bool { return r.Kind == ledger.Block }
	return c.w.gateway.Drains() && slices.ContainsFunc(c.Waiting, blocks)
}

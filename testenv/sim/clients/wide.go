package clients

import (
	"fmt"
	"strconv"

	"evergate/testenv/sim/ledger"
	"evergate/testenv/sim/scenario"
)

// What only the clients of wide worlds do.

// lists is how many lists there are, each with a tag of its own.
const lists = 3

// wide makes a client of such a world.
func (c *Client) wide(o scenario.Options) {
	if !o.Wide {
		return
	}
	c.scripts = map[string]*ledger.Request{}
	c.Service = c.Number % 2
	c.deaf = c.Number%5 == 3 && !o.Planned
	if c.scans = c.Number%4 == 1; c.scans && !o.RealState() {
		c.Sends, c.depth = c.Sends+60, 1+c.depth/4
	}
	if c.facade = map[int]ledger.Facade{4: ledger.Replica, 5: ledger.ClusterNode}[c.Number%6]; c.facade != ledger.Plain {
		c.scans = false
		return
	}
	if c.Number%3 == 2 && !o.Sharded() && !o.RealState() && !o.Users { // RESET would leave it
		c.db = 1
	}
}

// isElsewhere returns whether a client is not in the database that it wants: it has not been answered that it is.
func (c *Client) isElsewhere() bool {
	return c.db > 0 && (c.chose == nil || c.chose.State != ledger.Acknowledged)
}

// nextWide makes one request.
func (c *Client) nextWide(id string) []byte {
	w := c.w
	switch {
	case !c.isElsewhere():
	case c.chose == nil || c.chose.State == ledger.Refused:
		r, b := c.ask(ledger.Select, nil, "SELECT", strconv.Itoa(c.db))
		c.chose = r
		return b
	default:
		_, b := c.ask(ledger.Ping, nil, "PING", id)
		return b
	}
	k := c.key()
	switch p := w.Rnd.IntN(10); {
	case p < 4:
		body := fmt.Sprintf("script %d of client %d", w.Rnd.IntN(2), c.Number)
		if known := c.scripts[body]; known != nil && known.State == ledger.Acknowledged && w.Rnd.IntN(4) > 0 {
			_, b := c.ask(ledger.NamedScript, []string{k}, "EVALSHA", ledger.ScriptName(body), "1", k, id)
			return b
		}
		r, b := c.ask(ledger.Script, []string{k}, "EVAL", body, "1", k, id)
		c.scripts[body] = r
		return b
	case p < 6:
		tag := w.Rnd.IntN(lists)
		name, patience := c.of(fmt.Sprintf("{t%d}", tag)), [...]string{"0.05", "0.3", "1"}[w.Rnd.IntN(3)]
		list := name + "list"
		_, b := c.ask(ledger.Block, []string{list}, "BLPOP", list, name+"by#"+id, patience)
		return b
	case p < 8:
		list := c.of(fmt.Sprintf("{t%d}", w.Rnd.IntN(lists))) + "list"
		_, b := c.ask(ledger.Push, []string{list}, "RPUSH", list, id)
		return b
	}
	_, b := c.ask(ledger.Ping, nil, "PING", id)
	return b
}

// turns says whether the client asks for the next page of a scan now.
func (c *Client) turns() bool { return !c.awaitsPage() && c.w.Rnd.IntN(3) > 0 }

// awaitsPage says that the client has asked for one, and begins nothing else before it has it.
func (c *Client) awaitsPage() bool { return c.page != nil && c.page.State == ledger.Pending }

// nextPage asks for it; where it was refused, for the same again.
func (c *Client) nextPage() []byte {
	w := c.w
	if c.cursor == nil || c.cursor.Next == "" {
		c.cursor = w.ledger.Begins(w.gateway.Keys(int32(c.db)))
	}
	r, b := c.ask(ledger.Scan, nil, "SCAN", c.cursor.Next, "COUNT", strconv.Itoa(1+w.Rnd.IntN(20)))
	w.ledger.Turns(r, c.cursor)
	c.page = r
	return b
}

// owner is the number in the names of a client's own keys: in another database, that of a client of database 0.
func (c *Client) owner() int {
	if c.db > 0 {
		return c.Number - 1
	}
	return c.Number
}

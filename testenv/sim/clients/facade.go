package clients

import (
	"evergate/testenv/sim/ledger"
)

// Clients that come to a listener which emulates a role.

// Facade is that role.
func (c *Client) Facade() ledger.Facade { return c.facade }

// nextAtReplica makes a request to a replica: a read, or a write that it must reject.
func (c *Client) nextAtReplica(id string) (b []byte) {
	w, k := c.w, c.key()
	switch p := w.Rnd.IntN(20); {
	case p < 10:
		_, b = c.ask(ledger.GetRange, []string{k}, "GETRANGE", k, "0", id)
	case p < 13:
		keys := c.keys()
		_, b = c.ask(ledger.Mget, keys, append([]string{"MGET"}, keys...)...)
	case p < 15:
		_, b = c.ask(ledger.Set, []string{k}, "SET", k, id)
	case p < 16:
		_, b = c.ask(ledger.Mset, []string{k}, "MSET", k, id)
	case p < 17:
		k = c.of("{t0}d0") + "#" + id
		_, b = c.ask(ledger.Del, []string{k}, "DEL", k)
	case p < 18:
		list := c.of("{t0}") + "list"
		_, b = c.ask(ledger.Push, []string{list}, "RPUSH", list, id)
	default:
		_, b = c.ask(ledger.Ping, nil, "PING", id)
	}
	return b
}

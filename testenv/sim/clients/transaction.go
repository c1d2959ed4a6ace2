package clients

import (
	"fmt"
	"strconv"
	"strings"

	"evergate/testenv/sim/ledger"
)

// transaction makes requests of which the last is an EXEC, a DISCARD or an UNWATCH.
func (c *Client) transaction() (b []byte) {
	w := c.w
	k := c.key()
	keys := []string{k, c.second(k)}
	var watched, read *ledger.Request
	if w.Rnd.IntN(2) == 0 {
		tag, _, _ := strings.Cut(k, "}")
		r, watch := c.ask(ledger.Watch, nil, "WATCH", k, fmt.Sprintf("%s}w%s#%d", tag, suffix(k), c.Number))
		watched, b = r, append(b, watch...)
		r, get := c.ask(ledger.GetRange, []string{k}, "GETRANGE", k, "0", strconv.Itoa(len(w.ledger.Requests)))
		read, b = r, append(b, get...)
	}
	if watched != nil && w.Rnd.IntN(4) == 0 {
		_, more := c.ask(ledger.Unwatch, nil, "UNWATCH")
		return append(b, more...)
	}
	// Users may change in the middle. The values are the number of the last request, whenever that is sent.
	id, later := len(w.ledger.Requests)+1+len(keys), w.Options.Users && c.Sends > 0 && w.Rnd.IntN(2) == 0
	if later {
		c.end = c.ending(keys)
		id = c.end.ID
	}
	_, more := c.ask(ledger.Multi, nil, "MULTI")
	b = append(b, more...)
	var queued []*ledger.Request
	for _, key := range keys {
		r, more := c.ask(ledger.Queueing, nil, "SET", key, strconv.Itoa(id))
		queued, b = append(queued, r), append(b, more...)
	}
	r := c.end
	if !later {
		r = c.ending(keys)
		b = append(b, c.sends(r, r.Kind.String())...)
	}
	w.ledger.Watches(r, watched, read)
	w.ledger.Queues(r, queued)
	return b
}

// ending is the last request of a transaction.
func (c *Client) ending(keys []string) *ledger.Request {
	if c.w.Rnd.IntN(8) == 0 {
		return c.w.ledger.Add(c.Number, ledger.Discard)
	}
	return c.w.ledger.Add(c.Number, ledger.Execute, keys...)
}

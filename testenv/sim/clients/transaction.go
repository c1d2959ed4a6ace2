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
	id := strconv.Itoa(len(w.ledger.Requests) + 1 + len(keys))
	_, more := c.ask(ledger.Multi, nil, "MULTI")
	b = append(b, more...)
	var queued []*ledger.Request
	for _, key := range keys {
		r, more := c.ask(ledger.Queueing, nil, "SET", key, id)
		queued, b = append(queued, r), append(b, more...)
	}
	if w.Rnd.IntN(8) == 0 {
		_, more = c.ask(ledger.Discard, nil, "DISCARD")
		return append(b, more...)
	}
	r, more := c.ask(ledger.Execute, keys, "EXEC")
	w.ledger.Watches(r, watched, read)
	w.ledger.Queues(r, queued)
	return append(b, more...)
}

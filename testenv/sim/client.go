package sim

import (
	"fmt"
	"strconv"
	"time"

	"evergate/gateway/resp"
	"evergate/gateway/session"
)

// client is one of the gateway's clients: it sends bursts of requests cut anywhere, and reads as fast as it likes.
type client struct {
	w       *world
	gate    *gate
	number  int
	id      uint32 // the worker's
	open    bool   // connected, as the client sees it
	gone    bool   // the gateway has closed it, or has been told that it left
	quiet   bool   // the gateway does not read from it
	stuck   bool
	toGate  pipe
	toMe    pipe
	unread  []byte
	waiting []*request
	memory  memory
	// sends is how many requests are still to come, depth the longest burst, nextAt the time of the next one.
	sends    int
	depth    int
	nextAt   time.Duration
	idleTill time.Duration // it does not read until then
	leaves   bool          // it leaves in the middle
	halves   bool          // it closes its half of the connection behind its last request, as "... | nc -N" does
	waits    bool          // and sends that when all is calm
	shut     bool          // it has closed its half
	shutCalm bool          // when all was calm
	told     bool          // the gateway knows
	last     bool          // it has sent its last word (QUIT, garbage): the close is expected
	hung     bool          // it has gone and the gateway will read the end
	greet    bool
	listens  *listener // of one that subscribes; nil for all others
}

// play sends and reads.
func (c *client) play() {
	w := c.w
	if !c.open {
		return
	}
	if c.listens != nil {
		c.listens.play()
		return
	}
	if w.now >= c.idleTill {
		c.read()
	}
	if c.open && c.sends > 0 && w.now >= c.nextAt && !c.last && (!c.waits || c.sends > c.depth || w.settledDown()) {
		c.burst()
		c.shutsBehind()
		c.nextAt = w.now + w.between(0, 40*time.Millisecond)
		if w.rnd.IntN(12) == 0 {
			c.nextAt += w.between(0, time.Second)
		}
		if w.rnd.IntN(15) == 0 && !w.o.Planned {
			c.idleTill = w.now + w.between(0, 800*time.Millisecond)
		}
	}
	if c.open && c.leaves && c.sends < 10 {
		c.leave()
	}
}

// shutsBehind closes a client's half of the connection, if that is what it does when it has sent its last request.
func (c *client) shutsBehind() {
	if c.halves && c.sends == 0 && !c.last {
		c.shut, c.shutCalm = true, c.w.settledDown()
		c.w.tracef("client %d closes its half", c.number)
	}
}

// leave closes the connection, also in the middle of what was sent.
func (c *client) leave() {
	c.w.tracef("client %d leaves", c.number)
	c.open, c.hung = false, true
	for _, r := range c.waiting {
		r.state = orphaned
	}
	c.waiting = nil
	if c.w.rnd.IntN(2) == 0 && c.toGate.size > 0 {
		c.toGate.cut(c.w.rnd.IntN(c.toGate.size))
	}
}

// burst sends some requests at once, cut into pieces that arrive one by one.
func (c *client) burst() {
	w := c.w
	var b []byte
	for range 1 + w.rnd.IntN(c.depth) {
		if c.sends == 0 || c.last {
			break
		}
		c.sends--
		b = append(b, c.next()...)
	}
	for len(b) > 0 {
		n := len(b)
		if w.rnd.IntN(3) == 0 {
			n = 1 + w.rnd.IntN(len(b))
		}
		w.send(&c.toGate, b[:n])
		b = b[n:]
	}
}

// ask writes a request down and returns its bytes.
func (c *client) ask(k kind, keys []string, args ...string) (*request, []byte) {
	r := c.w.ledger.add(c.number, k, keys...)
	c.waiting = append(c.waiting, r)
	c.w.tracef("client %d sends %v", c.number, r)
	return r, resp.AppendCommandStrings(nil, args...)
}

// key picks one of the client's own keys, or one that all use.
func (c *client) key() string {
	w := c.w
	tag := w.rnd.IntN(tags)
	if w.rnd.IntN(4) == 0 {
		return fmt.Sprintf("{t%d}s", tag)
	}
	return fmt.Sprintf("{t%d}p%d", tag%3, c.number)
}

// next makes one request.
func (c *client) next() []byte {
	w := c.w
	id := strconv.Itoa(len(w.ledger.requests))
	if c.greet {
		c.greet = false
		r, b := c.ask(hello, nil, "HELLO", "3")
		r.proto = 3
		return b
	}
	k := c.key()
	switch p := w.rnd.IntN(108); {
	case p >= 100:
		return c.transaction()
	case p < 28:
		value := id
		if !w.o.Planned && w.rnd.IntN(30) == 0 || w.heavy && w.rnd.IntN(2) == 0 {
			value += "|" + padding[:w.rnd.IntN(300<<10)]
		}
		_, b := c.ask(set, []string{k}, "SET", k, value)
		return b
	case p < 36:
		_, b := c.ask(incrBy, []string{k}, "INCRBY", k, id)
		return b
	case p < 52:
		_, b := c.ask(get, []string{k}, "GET", k)
		return b
	case p < 74:
		_, b := c.ask(getRange, []string{k}, "GETRANGE", k, "0", id)
		return b
	}
	return c.nextRare(id, k)
}

func (c *client) nextRare(id, k string) []byte {
	w := c.w
	var b []byte
	p := w.rnd.IntN(100)
	if w.o.Planned { // no long values
		p = w.rnd.IntN(85)
	}
	switch {
	case p < 25:
		keys := c.keys()
		_, b = c.ask(mget, keys, append([]string{"MGET"}, keys...)...)
	case p < 50:
		keys := c.keys()
		args := []string{"MSET"}
		for _, k := range keys {
			args = append(args, k, id)
		}
		_, b = c.ask(mset, keys, args...)
	case p < 62:
		keys := c.keys()
		for i := range keys {
			keys[i] = fmt.Sprintf("{t%d}d%d#%s", w.rnd.IntN(tags), i, id)
		}
		_, b = c.ask(del, keys, append([]string{"DEL"}, keys...)...)
	case p < 72:
		c.ask(ping, nil)
		b = fmt.Appendf(nil, "\r\n*0\r\nPING %s\r\n", id) // inline, behind what is no request at all
	case p < 80:
		c.ask(set, []string{k})
		b = fmt.Appendf(nil, "SET %s %s\n", k, id)
	case p < 85:
		_, b = c.ask(module, []string{k}, "MOD.SET", k, id)
	case p < 87:
		_, b = c.ask(unknown, nil, "NO.SUCH", k, id)
	case p < 95:
		k = fmt.Sprintf("{t%d}p%dbig", w.rnd.IntN(3), c.number)
		_, b = c.ask(getRange, []string{k}, "GETRANGE", k, "0", id)
	case p < 96 && w.rnd.IntN(4) == 0:
		k = fmt.Sprintf("{t%d}p%dhuge", w.rnd.IntN(3), c.number)
		_, b = c.ask(getRange, []string{k}, "GETRANGE", k, "0", id)
	case p < 97:
		r, hi := c.ask(hello, nil, "HELLO", "3")
		r.proto, b = 3, hi
	case p < 98:
		c.last = true
		c.ask(garbage, nil)
		b = []byte("*1\r\n:1\r\n*1\r\n$4\r\nPING\r\n")
	case p < 99:
		c.last = true
		_, b = c.ask(quit, nil, "QUIT")
	default:
		_, b = c.ask(ping, nil, "PING", id)
	}
	return b
}

// keys picks two to four different keys.
func (c *client) keys() []string {
	var keys []string
	for range 2 + c.w.rnd.IntN(3) {
		k := c.key()
		for _, other := range keys {
			if other == k {
				k = ""
				break
			}
		}
		if k != "" {
			keys = append(keys, k)
		}
	}
	return keys
}

// read takes replies and has them checked in the order of the requests.
func (c *client) read() {
	w := c.w
	c.unread = append(c.unread, c.toMe.take(w.now, 1+w.rnd.IntN(1<<20))...)
	for len(c.unread) > 0 {
		var s resp.ReplyScanner
		n, done, err := s.Feed(c.unread)
		if err != nil {
			w.ledger.fail("client %d was sent what is no reply: %q", c.number, clip(c.unread))
			return
		}
		if !done {
			break
		}
		if len(c.waiting) == 0 {
			w.ledger.fail("client %d was sent a reply too many: %q", c.number, clip(c.unread[:n]))
			return
		}
		r := c.waiting[0]
		c.waiting = c.waiting[1:]
		w.tracef("client %d reads %q for %v", c.number, clip(c.unread[:n]), r)
		w.ledger.answered(&c.memory, r, c.unread[:n])
		w.tooEarly(r, c.unread[:n])
		if w.judge != nil {
			w.judge.answered(r, c.unread[:n])
		}
		c.unread = c.unread[n:]
	}
	if c.gone && c.toMe.size == 0 {
		c.closedByGateway()
	}
}

// closedByGateway counts a close that the client did not ask for.
func (c *client) closedByGateway() {
	c.open = false
	if (c.last || c.shut) && len(c.waiting) == 0 {
		return
	}
	closed := c.gate.worker.Stats().ClientsClosed
	limits := closed[session.HalfReply] + closed[session.OutputLimit] + closed[session.QueryLimit]
	switch {
	case !c.shut:
		c.w.cutOff++
	case c.shutCalm && !c.w.drains() && limits == 0:
		c.w.ledger.fail("client %d closed its half and was not answered: %v", c.number, c.waiting[0])
	}
	for _, r := range c.waiting {
		if len(r.ran) > 0 && !c.shut && limits == 0 {
			c.w.ledger.fail("client %d was closed before it was told that %v was executed", c.number, r)
		}
		r.state = orphaned
	}
	c.waiting = nil
}

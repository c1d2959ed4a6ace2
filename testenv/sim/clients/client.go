// Package clients simulates clients of the gateway: requests in bursts, replies read at any pace, listeners. They know
// their own requests and replies; what those must be is the ledger's to say. They see no server and no view.
package clients

import (
	"fmt"
	"strconv"
	"time"

	"evergate/gateway/resp"
	"evergate/testenv/sim/ledger"
	"evergate/testenv/sim/network"
	"evergate/testenv/sim/scenario"
)

// Group are the clients of a run.
type Group struct {
	*network.Net
	ledger  *ledger.Ledger
	Clients []*Client
	// heavy: half of what is written is long.
	heavy bool
	// workers is how many there are. CutOff counts the clients that were closed unasked.
	workers, CutOff int
	// publishes are the messages so far, counted is the answer to the last.
	publishes int
	messages  []*message
	counted   int64
	gateway   Gateway
}

// Gateway is what the clients depend on.
type Gateway struct {
	// Answered is told of each reply, with its request.
	Answered func(r *ledger.Request, reply []byte)
	// Drains says that no client connects any more, OverLimits how many of a worker's clients were closed since
	// they were over a limit.
	Drains     func() bool
	OverLimits func(worker int) uint64
	// Keys are those of a database that are there, whichever server is asked.
	Keys func(db int32) []string
}

// New returns the clients of so many workers.
func New(w *network.Net, l *ledger.Ledger, workers int, g Gateway) *Group {
	o := w.Options
	all := &Group{Net: w, ledger: l, workers: workers, heavy: o.Seed%9 == 0 && !o.Planned && !o.Users, gateway: g}
	for i := range 6 + w.Rnd.IntN(6) {
		c := &Client{
			w: all, Number: i, Worker: i % workers, Sends: 10 + w.Rnd.IntN(60), depth: 1 + w.Rnd.IntN(12),
			memory: ledger.NewMemory(), nextAt: w.Between(0, time.Second), leaves: w.Rnd.IntN(5) == 0, greet: w.Rnd.IntN(2) == 0,
		}
		c.wide(o)
		c.halves = (o.Seed+uint64(i))%7 == 0 && !c.leaves
		c.waits = c.halves && i%2 == 0
		if o.Voice != scenario.Oracle {
			if c.Sends *= 10; c.scans { // it waits for each page
				c.Sends = min(c.Sends, 300)
			}
			c.leaves = c.leaves && !o.Planned
		}
		all.Clients = append(all.Clients, c)
	}
	if o.Listeners {
		all.makeListeners()
	}
	return all
}

// Turn lets each client send and read.
func (w *Group) Turn() {
	for _, c := range w.Clients {
		c.play()
	}
}

// Heal has nobody be slow any more.
func (w *Group) Heal() {
	for _, c := range w.Clients {
		c.idleTill = 0
	}
}

// WantsIn says that a client wants to connect now.
func (c *Client) WantsIn() bool {
	return !c.Open && !c.Gone && !c.Hung && c.w.Now >= c.nextAt && !c.w.gateway.Drains()
}

// Connected tells a client that it is.
func (c *Client) Connected() { c.Open = true }

// Closed tells a client that the gateway has closed the connection, or has seen its end.
func (c *Client) Closed() { c.Gone = true }

// Done says that a client has sent all that it wants to send, and has been answered.
func (c *Client) Done() bool {
	never := !c.Open && !c.Gone && !c.Hung && c.w.gateway.Drains()
	waits := len(c.Waiting) > 0 || c.failing || c.Sends > 0 || c.Shut || c.listens != nil && len(c.listens.expects) > 0
	return !(c.Open && waits || !c.Open && !c.Gone && !never)
}

// Client is one of the gateway's clients: it sends bursts of requests cut anywhere, and reads as fast as it likes.
type Client struct {
	w       *Group
	Worker  int // the number of the worker that has it
	Number  int
	Open    bool // connected, as the client sees it
	Gone    bool // the gateway has closed it, or has been told that it left
	ToGate  network.Pipe
	ToMe    network.Pipe
	unread  []byte
	Waiting []*ledger.Request
	memory  ledger.Memory
	// Sends is how many requests are still to come, depth the longest burst, nextAt the time of the next one.
	Sends    int
	depth    int
	nextAt   time.Duration
	idleTill time.Duration // it does not read until then
	leaves   bool          // it leaves in the middle
	halves   bool          // it closes its half of the connection behind its last request, as "... | nc -N" does
	waits    bool          // and sends that when all is calm
	Shut     bool          // it has closed its half
	shutCalm bool          // when all was calm
	last     bool          // it has sent its last word (QUIT, garbage): the close is expected
	Hung     bool          // it has gone and the gateway will read the end
	greet    bool
	// Service is the number of the service that it comes to, db the database that it chooses, deaf says that it reads
	// nothing before the gateway has taken all that it sends. scripts are those that it has sent.
	Service int
	db      int
	chose   *ledger.Request
	deaf    bool
	facade  ledger.Facade // of its listener
	// scans says that it scans all the time: cursor is the scan under way, page its last request.
	scans   bool
	cursor  *ledger.Cursor
	page    *ledger.Request
	scripts map[string]*ledger.Request
	listens *listener // of one that subscribes; nil for all others
	// since is the last request that made the client somebody else, self who that is if it succeeds.
	since *ledger.Request
	self  string
	end   *ledger.Request // ends a transaction that was begun
	acks  *ledger.Request // its last PROXY ACKS
	notices
	taken
}

// play sends and reads.
func (c *Client) play() {
	w := c.w
	if !c.Open {
		return
	}
	if c.listens != nil {
		c.listens.play()
		return
	}
	c.deaf = c.deaf && !c.Gone && (c.Sends > 0 && !c.last || c.ToGate.Size > 0)
	if w.Now >= c.idleTill && !c.deaf {
		c.read()
	}
	if c.wantsToSend() {
		c.burst()
		c.shutsBehind()
		c.nextAt = w.Now + w.Between(0, 40*time.Millisecond)
		if w.Rnd.IntN(12) == 0 || c.end != nil {
			c.nextAt += w.Between(0, time.Second)
		}
		if w.Rnd.IntN(15) == 0 && !w.Options.Planned {
			c.idleTill = w.Now + w.Between(0, 800*time.Millisecond)
		}
	}
	if c.Open && c.leaves && c.Sends < 10 {
		c.leave()
	}
}

// wantsToSend says that the client begins a burst now.
func (c *Client) wantsToSend() bool {
	w := c.w
	return c.Open && c.Sends > 0 && w.Now >= c.nextAt && !c.last && !c.awaitsPage() &&
		(!c.waits || c.Sends > c.depth || w.SettledDown())
}

// shutsBehind closes a client's half of the connection, if that is what it does when it has sent its last request.
func (c *Client) shutsBehind() {
	if c.halves && c.Sends == 0 && !c.last {
		c.Shut, c.shutCalm = true, c.w.SettledDown()
		c.w.Tracef("client %d closes its half", c.Number)
	}
}

// leave closes the connection, also in the middle of what was sent.
func (c *Client) leave() {
	c.w.Tracef("client %d leaves", c.Number)
	c.Open, c.Hung = false, true
	for _, r := range c.Waiting {
		c.w.ledger.Orphaned(r)
	}
	c.Waiting = nil
	if c.w.Rnd.IntN(2) == 0 && c.ToGate.Size > 0 {
		c.ToGate.Cut(c.w.Rnd.IntN(c.ToGate.Size))
	}
}

// burst sends some requests at once, cut into pieces that arrive one by one.
func (c *Client) burst() {
	w := c.w
	var b []byte
	for range 1 + w.Rnd.IntN(c.depth) {
		if c.Sends == 0 || c.last || c.end != nil && len(b) > 0 {
			break
		}
		c.Sends--
		b = append(b, c.next()...)
	}
	for len(b) > 0 {
		n := len(b)
		if w.Rnd.IntN(3) == 0 {
			n = 1 + w.Rnd.IntN(len(b))
		}
		w.Send(&c.ToGate, b[:n])
		b = b[n:]
	}
}

// ask writes a request down and returns its bytes.
func (c *Client) ask(k ledger.Kind, keys []string, args ...string) (*ledger.Request, []byte) {
	r := c.w.ledger.Add(c.Number, k, keys...)
	return r, c.sends(r, args...)
}

// sends returns the bytes of a request.
func (c *Client) sends(r *ledger.Request, args ...string) []byte {
	c.w.ledger.Comes(r, c.facade, c.w.Now)
	r.Under(c.acks)
	c.w.ledger.OfUser(r, c.since, args)
	c.Waiting = append(c.Waiting, r)
	c.w.Tracef("client %d sends %v", c.Number, r)
	return resp.AppendCommandStrings(nil, args...)
}

// next makes one request.
func (c *Client) next() []byte {
	w := c.w
	id := strconv.Itoa(len(w.ledger.Requests))
	if end := c.end; end != nil {
		c.end = nil
		return c.sends(end, end.Kind.String())
	}
	if w.Options.Users && (c.since == nil || w.Rnd.IntN(12) == 0) {
		return c.nextUser()
	}
	if c.greet {
		c.greet = false
		r, b := c.ask(ledger.Hello, nil, "HELLO", "3")
		w.ledger.AsksFor(r, 3)
		c.due = w.Options.Notices && c.Number%2 == 0
		return b
	}
	if b := c.nextAside(); b != nil {
		return b
	}
	switch {
	case c.facade == ledger.Replica:
		return c.nextAtReplica(id)
	case c.facade == ledger.ClusterNode && w.Rnd.IntN(10) == 0:
		_, b := c.ask(ledger.Slots, nil, "CLUSTER", "SLOTS")
		return b
	}
	if c.scans && !c.isElsewhere() && c.turns() {
		return c.nextPage()
	}
	if w.Options.Wide && (c.isElsewhere() || w.Rnd.IntN(5) == 0) {
		return c.nextWide(id)
	}
	k := c.key()
	switch p := w.Rnd.IntN(108); {
	case p >= 100:
		return c.transaction()
	case p < 28:
		value := id
		if w.longValues() && w.Rnd.IntN(30) == 0 || w.heavy && w.Rnd.IntN(2) == 0 {
			value += "|" + scenario.Padding[:w.Rnd.IntN(300<<10)]
		}
		_, b := c.ask(ledger.Set, []string{k}, "SET", k, value)
		return b
	case p < 36:
		_, b := c.ask(ledger.IncrBy, []string{k}, "INCRBY", k, id)
		return b
	case p < 52:
		_, b := c.ask(ledger.Get, []string{k}, "GET", k)
		return b
	case p < 74:
		_, b := c.ask(ledger.GetRange, []string{k}, "GETRANGE", k, "0", id)
		return b
	}
	return c.nextRare(id, k)
}

func (c *Client) nextRare(id, k string) []byte {
	w := c.w
	var b []byte
	p := w.Rnd.IntN(100)
	if w.Options.Planned { // no long values
		p = w.Rnd.IntN(85)
	}
	switch {
	case p < 25:
		keys := c.keys()
		if w.Options.Users && w.Rnd.IntN(2) == 0 {
			keys = c.ownKeys(keys, "m", id)
		}
		_, b = c.ask(ledger.Mget, keys, append([]string{"MGET"}, keys...)...)
	case p < 50:
		keys := c.keys()
		args := []string{"MSET"}
		for _, k := range keys {
			args = append(args, k, id)
		}
		_, b = c.ask(ledger.Mset, keys, args...)
	case p < 62:
		keys := c.ownKeys(c.keys(), "d", id)
		_, b = c.ask(ledger.Del, keys, append([]string{"DEL"}, keys...)...)
	case p < 72:
		c.ask(ledger.Ping, nil)
		b = fmt.Appendf(nil, "\r\n*0\r\nPING %s\r\n", id) // inline, behind what is no request at all
	case p < 80:
		c.ask(ledger.Set, []string{k})
		b = fmt.Appendf(nil, "SET %s %s\n", k, id)
	case p < 85:
		_, b = c.ask(ledger.Module, []string{k}, "MOD.SET", k, id)
	case p < 87:
		_, b = c.ask(ledger.Unknown, nil, "NO.SUCH", k, id)
	case p < 95:
		k = c.of(fmt.Sprintf("{t%d}p%d", w.Rnd.IntN(3), c.owner())) + "big"
		_, b = c.ask(ledger.GetRange, []string{k}, "GETRANGE", k, "0", id)
	case p < 96 && w.Rnd.IntN(4) == 0:
		k = c.of(fmt.Sprintf("{t%d}p%d", w.Rnd.IntN(3), c.owner())) + "huge"
		_, b = c.ask(ledger.GetRange, []string{k}, "GETRANGE", k, "0", id)
	case p < 97:
		r, hi := c.ask(ledger.Hello, nil, "HELLO", "3")
		w.ledger.AsksFor(r, 3)
		b = hi
	case p < 98:
		c.last = true
		c.ask(ledger.Garbage, nil)
		b = []byte("*1\r\n:1\r\n*1\r\n$4\r\nPING\r\n")
	case p < 99:
		c.last = true
		_, b = c.ask(ledger.Quit, nil, "QUIT")
	default:
		_, b = c.ask(ledger.Ping, nil, "PING", id)
	}
	return b
}

// read takes replies and has them checked in the order of the requests.
func (c *Client) read() {
	w := c.w
	c.frames(1<<20, func(frame []byte) {
		if frame[0] == '>' {
			c.notified(frame)
			return
		}
		if len(c.Waiting) == 0 {
			w.ledger.Fail("client %d was sent a reply too many: %q", c.Number, network.Clip(frame))
			return
		}
		r := c.Waiting[0]
		r.Replies(c.sentAt)
		c.Waiting = c.Waiting[1:]
		w.Tracef("client %d reads %q for %v", c.Number, network.Clip(frame), r)
		w.ledger.Answered(&c.memory, r, frame)
		w.gateway.Answered(r, frame)
	})
	if c.Gone && c.ToMe.Size == 0 {
		c.closedByGateway()
	}
}

// frames reads at most so many bytes and gives each whole frame to take.
func (c *Client) frames(most int, take func(frame []byte)) {
	w := c.w
	c.unread = append(c.unread, c.ToMe.Take(w.Now, 1+w.Rnd.IntN(most))...)
	for len(c.unread) > 0 && w.ledger.Fault == "" {
		var s resp.ReplyScanner
		n, done, err := s.Scan(c.unread)
		if err != nil {
			w.ledger.Fail("client %d was sent what is no reply: %q", c.Number, network.Clip(c.unread))
		}
		if !done {
			return
		}
		c.takes(n)
		take(c.unread[:n])
		c.unread = c.unread[n:]
	}
}

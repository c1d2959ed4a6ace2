// Package load sends requests at fixed times over connections to the path under test, records how each ended, and
// finally reads back their keys.
package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"evergate/testenv/drill/ledger"
	"evergate/testenv/servers"
)

const (
	// depth is how many requests of a pipelining connection may be unanswered, burst how many it sends at once.
	depth = 128
	burst = 8
	// endPatience is how long the load waits for replies after its last request: longer than the gateway's default hold.
	endPatience = 20 * time.Second
	// leavePatience is how long a client that gives up waits for the other side to close.
	leavePatience = time.Second
	// impatientRate is how many requests an impatient client would send in a second.
	impatientRate = 10
)

// impatience holds how long each client waits that gives up.
var impatience = [...]time.Duration{100 * time.Millisecond, 100 * time.Millisecond, 3 * time.Second}

// role is the behaviour of a connection.
type role struct {
	kind      ledger.Kind
	pipelined bool
	patience  time.Duration
}

// roles are taken in turn. Half of the connections write, and three of eight send pipelines.
var roles = []role{{kind: ledger.Set}, {kind: ledger.Get}, {kind: ledger.Incr}, {kind: ledger.Set, pipelined: true},
	{kind: ledger.Get, pipelined: true}, {kind: ledger.Incr, pipelined: true}, {kind: ledger.Set}, {kind: ledger.Get}}

// Load sends requests at fixed times over its connections and records how each ended in a book.
type Load struct {
	Names Names
	// Dial makes a connection to the path under test.
	Dial func() (*servers.Conn, error)
	// Conns is the number of patient connections, Rate the number of requests that all of them send in a second.
	Conns, Rate int
	Book        *Book

	stopped chan struct{}
	// patience ends the wait for replies; set before stopped is closed.
	patience context.Context
	running  sync.WaitGroup
}

// Impatient is how many clients give up; they come on top of the patient ones.
const Impatient = len(impatience)

// plan returns the role of connection i. If there are several shards, the second group of eight connections uses keys
// of all of them.
func (l *Load) plan(i int) (r role, struck bool) {
	if i >= l.Conns {
		return role{kind: ledger.Push, patience: impatience[i-l.Conns]}, true
	}
	return roles[i%len(roles)], len(l.Names.Tags) == 0 || (i/len(roles))%2 == 0
}

// Prepare writes the keys that are read and waits until they can be.
func (l *Load) Prepare(ctx context.Context) error {
	conn, err := l.Dial()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	// Where replicas must confirm writes, those of a busy machine may take their time.
	err = servers.WaitFor(ctx, "writing the keys that are to be read", func() error { return l.fill(conn) })
	if err != nil {
		return err
	}
	return servers.WaitFor(ctx, "the keys that are to be read", func() error { return l.readable(conn) })
}

// fill writes the keys that are read.
func (l *Load) fill(conn *servers.Conn) error {
	for i := range l.Conns {
		r, struck := l.plan(i)
		if r.kind != ledger.Get {
			continue
		}
		for number := range readKeys {
			e := ledger.Entry{Conn: i, Number: number, Kind: ledger.Get, Struck: struck}
			reply, err := conn.Do("SET", l.Names.key(&e), l.Names.value(&e))
			if err == nil && string(reply) != "+OK\r\n" {
				err = fmt.Errorf("%q", reply)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *Load) readable(conn *servers.Conn) error {
	for i := range l.Conns {
		r, struck := l.plan(i)
		if r.kind != ledger.Get {
			continue
		}
		for number := range readKeys {
			e := ledger.Entry{Conn: i, Number: number, Kind: ledger.Get, Struck: struck}
			reply, err := conn.Do("GET", l.Names.key(&e))
			if err != nil {
				return err
			}
			if l.judge(&e, reply); e.Outcome != ledger.Acknowledged {
				return fmt.Errorf("the reply to GET is %q", reply)
			}
		}
	}
	return nil
}

// Begin starts all connections.
func (l *Load) Begin() {
	l.stopped = make(chan struct{})
	for i := range l.Conns + len(impatience) {
		c := &client{load: l, index: i}
		c.role, c.struck = l.plan(i)
		l.running.Go(c.run)
	}
}

// Stop ends the sending and waits for pending replies, for endPatience at most.
func (l *Load) Stop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, endPatience)
	defer cancel()
	l.patience = ctx
	close(l.stopped)
	l.running.Wait()
}

// client is one connection, replaced when it ends. Its goroutine sends; a second one for each connection receives.
type client struct {
	load *Load
	role
	index  int
	struck bool
	pipe   *pipe
	buf    []byte
}

// pipe is a connection with the requests that wait for its replies.
type pipe struct {
	conn *servers.Conn
	// pending has the sent requests, in order; it never blocks: a place is taken first and released with the reply.
	pending chan ledger.Entry
	places  chan struct{}
	// dead is closed when the receiver has ended.
	dead chan struct{}
	// ending reports whether the drill closes the connection itself.
	ending atomic.Bool
}

func (c *client) run() {
	each, at := c.schedule()
	timer := time.NewTimer(0)
	defer timer.Stop()
	number := 0
	for {
		timer.Reset(at - c.load.Book.now())
		select {
		case <-c.load.stopped:
			c.end()
			return
		case <-timer.C:
		}
		count := 1
		if c.pipelined {
			count = burst
		}
		for range count {
			c.send(ledger.Entry{Conn: c.index, Number: number, Kind: c.kind, Struck: c.struck, Patience: c.patience,
				Intended: at, Sent: -1})
			number++
		}
		c.flush()
		at += each
	}
}

// schedule returns the time between two sendings and the time of the first. Connections start at different times.
func (c *client) schedule() (each, first time.Duration) {
	if c.patience > 0 {
		each = time.Second / impatientRate
	} else {
		each = time.Second * time.Duration(c.load.Conns) / time.Duration(c.load.Rate)
		if c.pipelined {
			each *= burst
		}
	}
	return each, c.load.Book.now() + each*time.Duration(c.index)/time.Duration(c.load.Conns+len(impatience))
}

// send puts a request into the pipeline. If that is full, it waits, without a change of Intended. If the connection
// ends meanwhile, it uses the next one.
func (c *client) send(e ledger.Entry) {
	for !c.stopping() {
		if c.pipe == nil && !c.connect(&e) {
			return
		}
		if c.reserve() {
			e.Sent = c.load.Book.now()
			c.pipe.pending <- e
			c.buf = append(c.buf, servers.AppendCommand(nil, c.load.Names.command(&e)...)...)
			return
		}
	}
}

// reserve takes a place in the pipeline; false if the connection or the drill has ended.
func (c *client) reserve() bool {
	select {
	case <-c.pipe.dead:
		c.bury()
		return false
	default:
	}
	select {
	case c.pipe.places <- struct{}{}:
		return true
	default:
	}
	c.flush()
	select {
	case c.pipe.places <- struct{}{}:
		return true
	case <-c.pipe.dead:
		c.bury()
	case <-c.load.stopped:
	}
	return false
}

func (c *client) stopping() bool {
	select {
	case <-c.load.stopped:
		return true
	default:
		return false
	}
}

// fail records a request that was never sent.
func (c *client) fail(e ledger.Entry, outcome ledger.Outcome, text string) {
	e.Sent, e.Done, e.Outcome, e.Text = -1, c.load.Book.now(), outcome, text
	c.load.Book.note(e)
}

func (c *client) flush() {
	if len(c.buf) > 0 && c.pipe != nil {
		_, _ = c.pipe.conn.Write(c.buf) // the receiver reports the error
	}
	c.buf = c.buf[:0]
}

func (c *client) connect(e *ledger.Entry) bool {
	conn, err := c.load.Dial()
	if err != nil {
		c.fail(*e, ledger.Broken, "refused "+err.Error())
		return false
	}
	space := 1
	if c.pipelined {
		space = depth
	}
	c.pipe = &pipe{conn: conn, pending: make(chan ledger.Entry, space), places: make(chan struct{}, space),
		dead: make(chan struct{})}
	go c.receive(c.pipe)
	return true
}

// bury records the requests that were in the pipeline of a closed connection.
func (c *client) bury() {
	for {
		select {
		case e, open := <-c.pipe.pending:
			if open {
				c.pipe.lose(c.load.Book, e, "closed with its pipeline")
				continue
			}
		default:
		}
		c.pipe = nil
		c.buf = c.buf[:0]
		return
	}
}

// end waits for pending replies, as long as the load has patience.
func (c *client) end() {
	if c.pipe == nil {
		return
	}
	close(c.pipe.pending)
	select {
	case <-c.pipe.dead:
	case <-c.load.patience.Done():
		c.pipe.ending.Store(true)
	}
	_ = c.pipe.conn.Close()
	<-c.pipe.dead
	c.bury()
}

func (p *pipe) lose(b *Book, e ledger.Entry, text string) {
	e.Done, e.Outcome, e.Text = b.now(), ledger.Broken, text
	if p.ending.Load() {
		e.Outcome, e.Text = ledger.Unanswered, "unanswered to the end"
	}
	b.note(e)
}

// leave closes the connection and waits until the other side has noticed, so that requests on the next connection come
// after it.
func (p *pipe) leave() {
	half, ok := p.conn.Conn.(interface{ CloseWrite() error }) // TCP and TLS have it
	if ok && half.CloseWrite() == nil {
		p.conn.Timeout = leavePatience
		_, _ = p.conn.Rest()
	}
}

// receive matches replies with requests until the connection ends or nothing more will be sent.
func (c *client) receive(p *pipe) {
	defer close(p.dead)
	defer func() { _ = p.conn.Close() }()
	book := c.load.Book
	for e := range p.pending {
		p.conn.Timeout = time.Hour
		if e.Patience > 0 {
			p.conn.Timeout = e.Sent + e.Patience - book.now()
		}
		frame, err := p.conn.Frame()
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			e.Done, e.Outcome = book.now(), ledger.GaveUp
			book.note(e)
			p.leave()
			return
		case err != nil:
			p.lose(book, e, "closed "+err.Error())
			return
		}
		e.Done = book.now()
		c.load.judge(&e, frame)
		book.note(e)
		<-p.places
	}
}

// judge sets the outcome by the reply.
func (l *Load) judge(e *ledger.Entry, frame []byte) {
	text := strings.TrimSuffix(string(frame), "\r\n")
	e.Outcome, e.Text = ledger.Acknowledged, ""
	switch {
	case strings.HasPrefix(text, "-UNCERTAIN ") && e.Kind.Writes():
		e.Outcome, e.Text = ledger.Uncertain, text[1:]
	case strings.HasPrefix(text, "-"):
		e.Outcome, e.Text = ledger.Refused, text[1:]
	case !l.wanted(e, frame):
		e.Outcome, e.Text = ledger.Wrong, fmt.Sprintf("wrong reply %.100q to %s", frame, e.Kind)
	}
}

func (l *Load) wanted(e *ledger.Entry, frame []byte) bool {
	switch e.Kind {
	case ledger.Set:
		return string(frame) == "+OK\r\n"
	case ledger.Get:
		value := l.Names.value(e)
		return string(frame) == fmt.Sprintf("$%d\r\n%s\r\n", len(value), value)
	default:
		return bytes.HasPrefix(frame, []byte(":"))
	}
}

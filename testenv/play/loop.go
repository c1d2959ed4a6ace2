// Package play is a loop without sockets, for tests: it drives a Worker as gateway/loop does, with a clock that stands
// still until it is moved and connections that lead to whatever a test wants. Scripts, fuzzers, allocation tests and
// the simulation share it.
//
//	l := play.New(worker.Config{Services: ...}, worker.Env{}, net, t.Fatalf)
//	c := l.Open(0)                  // events of a round, like those that gateway/loop learns from the kernel
//	l.FromClient(c.ID, bytes)
//	l.Round()                       // ends it: the worker's wishes are carried out through net
//	l.Tick(now)                     // begins the next one
//
// A loop and its worker each have a side of a bargain. The loop keeps its own, so that a test cannot break it by
// mistake, and after each step it checks the worker's: what Out asks for makes sense, and Worker.Check finds nothing.
package play

import (
	"time"

	"evergate/gateway/admin"
	"evergate/gateway/upstream"
	"evergate/gateway/worker"
	"evergate/topology"
)

// Net is the other end of all connections of a loop.
type Net interface {
	// Dial is told that a connection is wanted. Connected or Lost of the loop answers, at any time.
	Dial(c *Conn)
	// ToServer and ToClient take bytes and return how many: fewer than all when there is no room for more. Flush of the
	// loop goes on. The bytes are valid until they return.
	ToServer(c *Conn, b []byte) int
	ToClient(c *Client, b []byte) int
	// Reading is told that the worker wants a connection read no longer, or again.
	Reading(r worker.Reading)
	// Closed and ClientClosed are told that the worker closes a connection. c is nil for a connection that the loop has
	// not got any more.
	Closed(id worker.ConnID, c *Conn)
	ClientClosed(c *Client)
}

// Conn is a connection to a server.
type Conn struct {
	upstream.Dial
	// Open: the server has accepted it; false while it is dialled.
	Open bool
	// Stopped: the worker does not want it read.
	Stopped bool

	full   bool // Net took less than all
	begun  bool // something was written
	left   left // what Net did not take
	listen bool // it carries subscriptions
}

// Client is a connection from a client.
type Client struct {
	ID uint32
	// Stopped: the worker does not want it read. HalfClosed: the client sends nothing more.
	Stopped, HalfClosed bool

	full bool
	left left
}

// Loop is a Worker, its connections and its clock. All fields may be read.
type Loop struct {
	Worker *worker.Worker
	Now    time.Duration
	// View is what Env.View returns, where the test gave none.
	View *topology.View
	// Asked are the requests to all workers that nobody has answered; see Answer.
	Asked []admin.Request
	// Unchecked skips Worker.Check, for those who measure.
	Unchecked bool
	// TLS: what a client does not take is kept encrypted, beside what the worker keeps of it.
	TLS bool
	// AtOnce is the most that is written to a server at once, in bytes, as with TLS; 0: all there is.
	AtOnce int

	net     Net
	fail    func(format string, args ...any)
	conns   []*Conn // by id; nil where there is none
	clients []*Client
	views   []*topology.View // by service, as the worker has seen them last
	scripts map[string][]byte
	numbers int64
}

// New makes a loop at the time of one second, before its first round. What conf and env leave out gets a value that
// suits most tests; see defaults. fail is called when the worker, or the test, breaks the bargain.
func New(conf worker.Config, env worker.Env, net Net, fail func(format string, args ...any)) *Loop {
	l := &Loop{Now: time.Second, net: net, fail: fail, scripts: map[string][]byte{}}
	l.defaults(&conf, &env)
	l.views = make([]*topology.View, max(conf.Places, len(conf.Services)))
	view := env.View
	env.View = func(service int) *topology.View {
		l.views[service] = view(service)
		return l.views[service]
	}
	l.Worker = worker.New(conf, env)
	return l
}

// Tick begins a round.
func (l *Loop) Tick(now time.Duration) {
	if now < l.Now {
		l.fail("the clock goes back from %v to %v", l.Now, now)
	}
	l.Now = now
	l.Worker.Tick(now)
	l.Check()
}

// Check fails the test if the state of the worker's rooms is wrong.
func (l *Loop) Check() {
	if l.Unchecked {
		return
	}
	if err := l.Worker.Check(); err != nil {
		l.fail("the worker's state: %v", err)
	}
}

// checkTimers fails the test if the next round would begin too late.
func (l *Loop) checkTimers() {
	if l.Unchecked {
		return
	}
	if err := worker.CheckTimers(l.Worker); err != nil {
		l.fail("the worker's timers: %v", err)
	}
}

// Open connects a client to a listener.
func (l *Loop) Open(listener int) *Client {
	c := &Client{ID: l.Worker.ClientOpened(listener, "remote", "local")}
	for int(c.ID) >= len(l.clients) {
		l.clients = append(l.clients, nil)
	}
	if l.clients[c.ID] != nil {
		l.fail("client %d got the number of one that is still connected", c.ID)
	}
	l.clients[c.ID] = c
	l.Check()
	return c
}

// Client returns a connected client; nil when there is none of that number.
func (l *Loop) Client(id uint32) *Client {
	if int(id) >= len(l.clients) {
		return nil
	}
	return l.clients[id]
}

// FromClient hands over what a client sent, as a loop does: into the room that the worker has for it, and the rest
// apart.
func (l *Loop) FromClient(id uint32, b []byte) {
	for len(b) > 0 {
		room, all := l.Worker.ClientRoom(id)
		n := copy(room, b)
		if n > 0 {
			l.Worker.ClientFilled(id, n)
		}
		b = b[n:]
		if len(b) > 0 && (n == 0 || all) {
			l.Worker.ClientRead(id, b)
			b = nil
		}
	}
	l.Check()
}

// HalfClose has a client close its half of the connection, behind all that it sent.
func (l *Loop) HalfClose(id uint32) {
	if c := l.Client(id); c != nil {
		c.HalfClosed = true
	}
	l.Worker.ClientEnded(id)
	l.Check()
}

// Leave has a client reset its connection.
func (l *Loop) Leave(id uint32) {
	if l.Client(id) != nil {
		l.clients[id] = nil
	}
	l.Worker.ClientClosed(id)
	l.Check()
}

// Conn returns a connection to a server; nil when there is none of that number.
func (l *Loop) Conn(id worker.ConnID) *Conn {
	if int(id) >= len(l.conns) {
		return nil
	}
	return l.conns[id]
}

// Conns is one more than the highest number that a connection has had.
func (l *Loop) Conns() int { return len(l.conns) }

// AnyConn returns the first connection from number start on, around to it again, that is open, or that is dialled. It
// returns nil if there is none.
func (l *Loop) AnyConn(start int, open bool) *Conn {
	for i := range l.Conns() {
		if c := l.Conn(worker.ConnID((start + i) % l.Conns())); c != nil && c.Open == open {
			return c
		}
	}
	return nil
}

// Connected says that a dial succeeded.
func (l *Loop) Connected(id worker.ConnID, met upstream.Greeting) {
	c := l.Conn(id)
	if c == nil || c.Open {
		l.fail("the test connects %d, which is not dialled: %+v", id, c)
		return
	}
	c.Open = true
	l.Worker.ConnOpened(id, met)
	l.Check()
}

// FromServer hands over what a server sent.
func (l *Loop) FromServer(id worker.ConnID, b []byte) {
	l.Worker.ConnRead(id, b)
	l.Check()
}

// Lose says that a connection has ended, or was never made.
func (l *Loop) Lose(id worker.ConnID, why worker.LostReason) {
	if l.Conn(id) != nil {
		l.conns[id] = nil
	}
	l.Worker.ConnClosed(id, why)
	l.Check()
}

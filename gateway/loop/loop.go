// Package loop is the shell of a worker: the only sockets, clock and thread of the data plane. It feeds a worker with
// what came in, and once a round does what the worker's Out says.
//
// There are two loops behind one seam. On Linux the poller: epoll, one thread, one read buffer, one write for each
// connection in a round, no goroutine for a connection. Elsewhere the portable one on package net. They pass the same
// tests. io_uring was measured and buys nothing here; event-loop libraries have no hook for the end of a round, on
// which this design lives.
package loop

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"evergate/gateway/upstream"
	"evergate/gateway/worker"
)

// readBytes is the most that is read at once, into one buffer for the whole loop on Linux. Values of 64 KiB are
// frequent: with what is around them they should come in one read.
const readBytes = 96 << 10

// Config of a loop.
type Config struct {
	Worker *worker.Worker
	// Dial makes and greets one connection to a server, and tells what it found out. It is called on a goroutine
	// of its own and must end by itself.
	Dial   func(ctx context.Context, d upstream.Dial) (conn net.Conn, met upstream.Greeting, err error)
	Logger hclog.Logger
}

// Loop runs one worker.
type Loop interface {
	// Run serves until Stop. It must be called once.
	Run()
	// Accept takes over a client's connection, unless there is an error: then it is still the caller's. It may be called
	// from any goroutine.
	Accept(conn net.Conn, service int) error
	// Post has f called on the loop's goroutine soon, and a round ended after it. It may be called from any goroutine.
	Post(f func(w *worker.Worker))
	// Clients is the number of connected clients, those handed over and not yet served included.
	Clients() int
	// Stop ends Run and closes every connection. It returns when Run has returned.
	Stop()
}

// inbox is what other goroutines want of a loop.
type inbox struct {
	mu      sync.Mutex
	todo    []func()
	spare   []func()
	closed  bool // nothing is taken any more
	clients atomic.Int64
	epoch   time.Time
	ctx     context.Context
	cancel  context.CancelFunc
	stopped chan struct{}
	ending  bool // only the loop's goroutine
	// queues of private dials by address; only the loop's goroutine.
	queues map[string]*dialQueue
}

// privateDials is how many private connections to one server are dialled at a time. After a failover thousands may
// want one: all at once they would overrun the server's backlog (511), and each takes a goroutine and buffers.
const privateDials = 64

// dialQueue are the private dials to one server: how many are being made, and what begins those that wait; that returns
// false where the connection is not wanted any more.
type dialQueue struct {
	running int
	waiting []func() bool
}

// begin has dial run on a goroutine of its own, now or when its turn comes, if the connection is still wanted then.
// When it has ended, ended must be called.
func (b *inbox) begin(d *upstream.Dial, wanted func() bool, dial func()) {
	start := func() bool {
		if !wanted() {
			return false
		}
		go dial()
		return true
	}
	if !d.Dedicated {
		start()
		return
	}
	q := b.queues[d.Addr]
	if q == nil {
		q = &dialQueue{}
		b.queues[d.Addr] = q
	}
	q.waiting = append(q.waiting, start)
	b.next(d.Addr)
}

// ended reports whether a dial has ended.
func (b *inbox) ended(d *upstream.Dial) {
	if d.Dedicated {
		b.queues[d.Addr].running--
		b.next(d.Addr)
	}
}

// next begins the dials to a server whose turn has come.
func (b *inbox) next(addr string) {
	q := b.queues[addr]
	for q.running < privateDials && len(q.waiting) > 0 {
		start := q.waiting[0]
		q.waiting = q.waiting[1:]
		if start() {
			q.running++
		}
	}
	if q.running == 0 {
		delete(b.queues, addr)
	}
}

func newInbox() inbox {
	ctx, cancel := context.WithCancel(context.Background())
	return inbox{
		epoch: time.Now(), ctx: ctx, cancel: cancel, stopped: make(chan struct{}), queues: map[string]*dialQueue{},
	}
}

// put adds f, and calls wake when the loop may be asleep. It returns false when the loop has ended: f is not called.
func (b *inbox) put(f func(), wake func()) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	b.todo = append(b.todo, f)
	if len(b.todo) == 1 {
		wake()
	}
	return true
}

// do runs what was put.
func (b *inbox) do() {
	b.mu.Lock()
	todo := b.todo
	b.todo = b.spare[:0]
	b.mu.Unlock()
	for i, f := range todo {
		f()
		todo[i] = nil
	}
	b.spare = todo
}

// end runs what was put so far and takes nothing more.
func (b *inbox) end() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.do()
}

// Clients implements Loop.
func (b *inbox) Clients() int { return int(b.clients.Load()) }

// now is the loop's clock: monotonic, from its start.
func (b *inbox) now() time.Duration { return time.Since(b.epoch) }

// whyNot says for the worker why a dial failed.
func whyNot(err error) worker.LostReason {
	switch {
	case errors.Is(err, upstream.ErrOtherRun):
		return worker.OtherRun
	case errors.Is(err, upstream.ErrNotAuthenticated):
		return worker.NotAuthenticated
	}
	return worker.DialFailed
}

// addresses are a client's ends as CLIENT LIST shows them. A unix socket's client has no name of its own.
func addresses(conn net.Conn) (remote, local string) {
	remote, local = conn.RemoteAddr().String(), conn.LocalAddr().String()
	if _, unix := conn.LocalAddr().(*net.UnixAddr); unix {
		local += ":0"
		if _, unnamed := conn.RemoteAddr().(*net.UnixAddr); unnamed {
			remote = local
		}
	}
	return remote, local
}

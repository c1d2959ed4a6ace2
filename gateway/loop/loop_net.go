package loop

import (
	"errors"
	"io"
	"net"
	"time"

	"evergate/gateway/upstream"
	"evergate/gateway/worker"
)

// portable is the loop on package net: a goroutine a connection reads and another writes, one more runs the worker.
// Each connection has one piece under way in either direction, so memory is bounded and a slow peer holds up nobody.
// It is what runs where there is no epoll, and the second opinion in the tests where there is.
type portable struct {
	inbox
	conf    Config
	w       *worker.Worker
	wakes   chan struct{}
	inputs  chan input
	client  map[uint32]*pipe
	servers map[worker.ConnID]*pipe
	dials   map[worker.ConnID]uint64
	serial  uint64
}

// pipe is one connection and its two goroutines.
type pipe struct {
	conn   net.Conn
	server bool
	id     uint32
	more   chan struct{} // the reader may read on; one at a time
	write  chan []byte   // the next piece; one at a time
	gone   chan struct{} // closed with the connection
	closed bool
	busy   bool // a piece is being written
	quiet  bool // not read from: more is withheld
	waits  bool // the reader waits for more
	buf    []byte
}

// input is what a pipe's goroutine tells the loop.
type input struct {
	p     *pipe
	read  []byte
	wrote int
	eof   bool // it has said everything
	err   bool
}

// NewPortable makes the portable loop.
func NewPortable(conf Config) (Loop, error) {
	return &portable{
		inbox: newInbox(), conf: conf, w: conf.Worker, wakes: make(chan struct{}, 1), inputs: make(chan input, 256),
		client: map[uint32]*pipe{}, servers: map[worker.ConnID]*pipe{}, dials: map[worker.ConnID]uint64{},
	}, nil
}

// Run implements Loop.
func (p *portable) Run() {
	defer close(p.stopped)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for !p.ending {
		wait := time.Hour
		if at := p.w.NextTimer(); at < 1<<62 {
			wait = max(0, at-p.now())
		}
		timer.Reset(wait)
		var first *input
		select {
		case in := <-p.inputs:
			first = &in
		case <-p.wakes:
		case <-timer.C:
		}
		p.w.Tick(p.now())
		if first != nil {
			p.take(*first)
		}
		p.takeReady()
		p.do()
		p.endRound()
		if first != nil {
			p.w.RoundEnded(p.now())
		}
	}
	p.closeAll()
}

// takeReady takes what else has come in, so that a round serves many.
func (p *portable) takeReady() {
	for range cap(p.inputs) {
		select {
		case in := <-p.inputs:
			p.take(in)
		default:
			return
		}
	}
}

func (p *portable) take(in input) {
	pp := in.p
	switch {
	case pp.closed:
	case in.eof && !pp.server:
		p.w.ClientEnded(pp.id)
	case in.err || in.eof:
		p.drop(pp)
		if pp.server {
			delete(p.servers, worker.ConnID(pp.id))
			p.w.ConnClosed(worker.ConnID(pp.id), worker.PeerClosed)
		} else {
			delete(p.client, pp.id)
			p.w.ClientClosed(pp.id)
		}
	case in.read != nil:
		if pp.server {
			p.w.ConnRead(worker.ConnID(pp.id), in.read)
		} else {
			p.w.ClientRead(pp.id, in.read)
		}
		pp.waits = true
		p.readOn(pp)
	default:
		pp.busy = false
		if !pp.server {
			p.w.ClientWrote(pp.id, in.wrote, 0)
		}
		p.writeOn(pp)
	}
}

func (p *portable) readOn(pp *pipe) {
	if pp.waits && !pp.quiet && !pp.closed {
		pp.waits = false
		pp.more <- struct{}{}
	}
}

// writeOn gives the writer its next piece. The piece is copied: the worker's buffers are valid only now. What is
// given to a connection's writer counts as sent at once: the end of the connection may be seen before the writer is
// heard of, and a request that may have been executed must never look unsent.
func (p *portable) writeOn(pp *pipe) {
	if pp.busy || pp.closed {
		return
	}
	var b []byte
	if pp.server {
		b = p.w.ConnBytes(worker.ConnID(pp.id))
	} else {
		b = p.w.ClientBytes(pp.id)
	}
	if len(b) == 0 {
		return
	}
	pp.busy = true
	pp.buf = append(pp.buf[:0], b[:min(len(b), readBytes)]...)
	if pp.server {
		p.w.ConnWrote(worker.ConnID(pp.id), len(pp.buf))
	}
	pp.write <- pp.buf
}

func (p *portable) endRound() {
	out := p.w.Out()
	for _, id := range out.CloseConns {
		delete(p.dials, id)
		if pp := p.servers[id]; pp != nil {
			delete(p.servers, id)
			p.drop(pp)
		}
	}
	for _, d := range out.Dials {
		p.dial(d)
	}
	for _, r := range out.Read {
		// There is no way on every system to learn without reading that a client has left, so a client is always read.
		if pp := p.servers[r.ConnID]; r.Conn && pp != nil {
			pp.quiet = !r.On
			p.readOn(pp)
		}
	}
	for _, id := range out.Conns {
		if pp := p.servers[id]; pp != nil {
			p.writeOn(pp)
		}
	}
	for _, id := range out.Clients {
		if pp := p.client[id]; pp != nil {
			p.writeOn(pp)
		}
	}
	for _, id := range out.CloseClients {
		if pp := p.client[id]; pp != nil {
			delete(p.client, id)
			p.drop(pp)
		}
	}
}

func (p *portable) dial(d upstream.Dial) {
	p.serial++
	serial := p.serial
	p.dials[d.Conn] = serial
	p.begin(&d, func() bool { return p.dials[d.Conn] == serial }, func() {
		c, met, err := p.conf.Dial(p.ctx, d)
		if !p.post(func() { p.dialled(&d, serial, c, met, err) }) && c != nil {
			_ = c.Close()
		}
	})
}

func (p *portable) dialled(d *upstream.Dial, serial uint64, c net.Conn, met upstream.Greeting, err error) {
	defer p.ended(d)
	id := d.Conn
	current := p.dials[id] == serial
	if current {
		delete(p.dials, id)
	}
	switch {
	case err == nil && current && !p.ending:
		p.servers[id] = p.start(c, true, uint32(id))
		p.w.ConnOpened(id, met)
		return
	case c != nil:
		_ = c.Close()
	}
	if current {
		p.w.ConnClosed(id, whyNot(err))
	}
}

// Accept implements Loop.
func (p *portable) Accept(c net.Conn, service int) error {
	remote, local := addresses(c)
	p.clients.Add(1)
	refuse := func() {
		p.clients.Add(-1)
		_ = c.Close()
	}
	taken := p.post(func() {
		if p.ending {
			refuse()
			return
		}
		id := p.w.ClientOpened(service, remote, local)
		p.client[id] = p.start(c, false, id)
	})
	if !taken {
		refuse()
	}
	return nil
}

func (p *portable) start(c net.Conn, server bool, id uint32) *pipe {
	pp := &pipe{
		conn: c, server: server, id: id, more: make(chan struct{}, 1), write: make(chan []byte, 1), gone: make(chan struct{}),
	}
	go p.reader(pp)
	go p.writer(pp)
	return pp
}

func (p *portable) reader(pp *pipe) {
	buf := make([]byte, 16<<10)
	for {
		n, err := pp.conn.Read(buf)
		if n > 0 && !p.deliver(pp, input{p: pp, read: buf[:n]}) {
			return
		}
		if err != nil {
			p.deliver(pp, input{p: pp, eof: errors.Is(err, io.EOF), err: !errors.Is(err, io.EOF)})
			return
		}
		select {
		case <-pp.more:
		case <-pp.gone:
			return
		}
	}
}

func (p *portable) writer(pp *pipe) {
	for {
		select {
		case b := <-pp.write:
			n, err := pp.conn.Write(b)
			if !p.deliver(pp, input{p: pp, wrote: n}) {
				return
			}
			if err != nil {
				if !pp.server { // a connection ends when everything that came before has been read
					p.deliver(pp, input{p: pp, err: true})
				}
				return
			}
		case <-pp.gone:
			return
		}
	}
}

// deliver passes an input to the loop; false when the connection is closed.
func (p *portable) deliver(pp *pipe, in input) bool {
	select {
	case p.inputs <- in:
		return true
	case <-pp.gone:
		return false
	}
}

// drop closes a connection and ends its goroutines.
func (p *portable) drop(pp *pipe) {
	if pp.closed {
		return
	}
	pp.closed = true
	if !pp.server {
		p.clients.Add(-1)
	}
	close(pp.gone)
	_ = pp.conn.Close()
}

// Post implements Loop.
func (p *portable) Post(f func(w *worker.Worker)) { p.post(func() { f(p.w) }) }

func (p *portable) post(f func()) bool { return p.put(f, p.wake) }

func (p *portable) wake() {
	select {
	case p.wakes <- struct{}{}:
	default:
	}
}

// Stop implements Loop.
func (p *portable) Stop() {
	p.cancel()
	p.post(func() { p.ending = true })
	<-p.stopped
}

func (p *portable) closeAll() {
	for _, pp := range p.client {
		p.drop(pp)
	}
	for _, pp := range p.servers {
		p.drop(pp)
	}
	p.end()
}

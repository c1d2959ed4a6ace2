//go:build !portable

package loop

import (
	"encoding/binary"
	"net"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"evergate/gateway/tlsconn"
	"evergate/gateway/upstream"
	"evergate/gateway/worker"
)

// New makes the loop of this system.
func New(conf Config) (Loop, error) { return newPoller(conf) }

// poller is the epoll loop. Sockets are non-blocking, so reads and writes are raw system calls: the Go scheduler need
// not hear of them. Only waiting for events is announced to it.
type poller struct {
	inbox
	conf    Config
	w       *worker.Worker
	epfd    int
	wakefd  int
	conns   []conn   // by file descriptor
	client  []int32  // file descriptor by client id
	servers []server // by connection id
	serial  uint64
	events  [256]unix.EpollEvent
	buf     []byte
	plain   []byte          // what was decrypted last
	sealed  *tlsconn.Sealed // what was encrypted last
}

// server is one connection to a server; serial tells attempts to dial apart.
type server struct {
	fd     int32
	serial uint64
}

func newPoller(conf Config) (*poller, error) {
	epfd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	wakefd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		_ = unix.Close(epfd)
		return nil, err
	}
	p := &poller{
		inbox: newInbox(), conf: conf, w: conf.Worker, epfd: epfd, wakefd: wakefd, buf: make([]byte, readBytes),
		plain: make([]byte, 16<<10), sealed: tlsconn.NewScratch(),
	}
	if err := p.add(wakefd, aWake, 0, nil); err != nil {
		_ = unix.Close(epfd)
		_ = unix.Close(wakefd)
		return nil, err
	}
	return p, nil
}

// Run implements Loop.
func (p *poller) Run() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.stopped)
	for !p.ending {
		n := p.wait()
		p.w.Tick(p.now())
		woken := false
		for i := range n {
			ev := &p.events[i]
			if p.conns[ev.Fd].kind == aWake {
				woken = true
			} else {
				p.event(int(ev.Fd), ev.Events)
			}
		}
		if woken {
			var counter [8]byte
			_, _ = unix.Read(p.wakefd, counter[:])
			p.do()
		}
		p.endRound()
		if n > 0 {
			p.w.RoundEnded(p.now())
		}
	}
	p.closeAll()
}

// rawWait is how long to wait, in milliseconds, before the scheduler is told. Under load something comes sooner, and
// a wait that the scheduler knows of has its monitor thread wake every 20 us: a tenth of the CPU of a busy gateway.
// A stop of the world is not held up: its signal interrupts the wait.
const rawWait = 1

// wait waits for events until the worker's next timer.
func (p *poller) wait() int {
	timeout := -1
	if at := p.w.NextTimer(); at < 1<<62 {
		left := max(0, at-p.now())
		timeout = int(min((left+time.Millisecond-1)/time.Millisecond, 1<<30))
	}
	if timeout >= 0 && timeout <= rawWait {
		return epollWait(p.epfd, p.events[:], timeout, false)
	}
	if n := epollWait(p.epfd, p.events[:], rawWait, false); n > 0 {
		return n
	}
	if timeout > 0 {
		timeout -= rawWait
	}
	return epollWait(p.epfd, p.events[:], timeout, true)
}

// event serves one ready socket: one read, so that nobody is served twice before everybody was served once.
func (p *poller) event(fd int, events uint32) {
	switch c := p.conns[fd]; {
	case c.kind == aClient && events&unix.EPOLLERR != 0:
		p.lost(fd, c) // a reset: nobody waits for what it may have sent before
	case c.kind == aClient && c.ended && events&unix.EPOLLHUP != 0:
		p.leave(fd)
	case events&^uint32(unix.EPOLLOUT) != 0 && !c.ended && (!c.quiet || events&over != 0):
		p.read(fd, c, events)
	}
	// Read first: what a dying server has answered is known then, and what is written to it is lost.
	if c := p.conns[fd]; events&unix.EPOLLOUT != 0 && c.out {
		p.write(fd, c)
	}
}

func (p *poller) read(fd int, c conn, events uint32) {
	if c.tls != nil {
		p.readTLS(fd, c, events)
		return
	}
	var room []byte
	buf := p.buf
	if c.kind == aClient {
		var all bool
		if room, all = p.w.ClientRoom(c.id); len(room) > 0 && !all {
			buf = nil
		}
	}
	n, errno := receive(fd, room, buf)
	switch {
	case n > 0 && c.kind == aClient:
		in := min(n, len(room))
		if in > 0 {
			p.w.ClientFilled(c.id, in)
		}
		if n > in {
			p.w.ClientRead(c.id, p.buf[:n-in])
		}
	case n > 0 && c.kind == aConn:
		p.w.ConnRead(worker.ConnID(c.id), p.buf[:n])
	case errno == unix.EAGAIN || errno == unix.EINTR:
	case n == 0 && c.kind == aClient:
		p.clientEnded(fd, c, events)
	default:
		p.lost(fd, c)
	}
}

// clientEnded records that a client has said everything; it may still want its replies.
func (p *poller) clientEnded(fd int, c conn, events uint32) {
	p.watch(fd, func(c *conn) { c.ended = true })
	if events&unix.EPOLLHUP != 0 {
		p.leave(fd)
	}
	p.w.ClientEnded(c.id)
}

// leave stops waiting for a socket whose other end is gone: that is told for ever, and writing will show it.
func (p *poller) leave(fd int) { _ = unix.EpollCtl(p.epfd, unix.EPOLL_CTL_DEL, fd, nil) }

// lost closes a socket whose other end is gone and tells the worker.
func (p *poller) lost(fd int, c conn) {
	p.close(fd)
	if c.kind == aClient {
		p.client[c.id] = -1
		p.w.ClientClosed(c.id)
	} else {
		p.servers[c.id] = server{fd: -1}
		p.w.ConnClosed(worker.ConnID(c.id), worker.PeerClosed)
	}
}

// write writes what the worker has for a connection. It returns false when the connection was lost.
func (p *poller) write(fd int, c conn) bool {
	for {
		var b []byte
		if c.kind == aClient {
			b = p.w.ClientBytes(c.id)
		} else {
			b = p.w.ConnBytes(worker.ConnID(c.id))
		}
		all, errno := len(b), syscall.Errno(0)
		if c.tls != nil {
			b, errno = p.seal(c, b)
		}
		if len(b) == 0 && errno == 0 {
			p.watch(fd, func(c *conn) { c.out = false })
			return true
		}
		n := 0
		if errno == 0 {
			n, errno = send(fd, b)
		}
		took, sealed := max(n, 0), 0
		if c.tls != nil {
			took = c.tls.Sent(took)
			sealed = c.tls.Kept()
		}
		switch {
		case c.kind == aClient:
			p.w.ClientWrote(c.id, took, sealed)
		case took > 0:
			p.w.ConnWrote(worker.ConnID(c.id), took)
		}
		switch {
		case errno == 0 && n == len(b):
			if c.kind == aClient && !c.out && took == all && len(p.w.ClientBytes(c.id)) == 0 {
				return true
			}
		case n > 0 || errno == unix.EAGAIN || errno == unix.EINTR || errno == unix.ENOBUFS || errno == unix.ENOMEM:
			p.watch(fd, func(c *conn) { c.out = true })
			return true
		case c.kind == aConn:
			// Replies that came before the end can still be read, and each of them is one outcome that is known.
			p.watch(fd, func(c *conn) { c.out, c.writeFailed = false, true })
			return true
		default:
			p.lost(fd, c)
			return false
		}
	}
}

// endRound does what the worker wants done.
func (p *poller) endRound() {
	out := p.w.Out()
	for _, id := range out.CloseConns {
		if int(id) < len(p.servers) {
			if fd := p.servers[id].fd; fd >= 0 {
				p.close(int(fd))
			}
			p.servers[id] = server{fd: -1}
		}
	}
	for _, d := range out.Dials {
		p.dial(d)
	}
	for _, r := range out.Read {
		p.reading(r)
	}
	for _, id := range out.Conns {
		if fd := p.servers[id].fd; fd >= 0 && !p.conns[fd].out && !p.conns[fd].writeFailed {
			p.write(int(fd), p.conns[fd])
		}
	}
	for _, id := range out.Clients {
		if fd := p.client[id]; fd >= 0 && !p.conns[fd].out {
			p.write(int(fd), p.conns[fd])
		}
	}
	for _, id := range out.CloseClients {
		if fd := p.client[id]; fd >= 0 {
			p.client[id] = -1
			p.close(int(fd))
		}
	}
}

func (p *poller) reading(r worker.Reading) {
	fd := int32(-1)
	if !r.Conn {
		fd = p.client[r.Client]
	} else if int(r.ConnID) < len(p.servers) {
		fd = p.servers[r.ConnID].fd
	}
	if fd >= 0 {
		p.watch(int(fd), func(c *conn) { c.quiet = !r.On })
	}
}

// dial connects on a goroutine of its own: names are resolved anew each time, and that may take long.
func (p *poller) dial(d upstream.Dial) {
	for int(d.Conn) >= len(p.servers) {
		p.servers = append(p.servers, server{fd: -1})
	}
	p.serial++
	serial := p.serial
	p.servers[d.Conn] = server{fd: -1, serial: serial}
	p.begin(&d, func() bool { return p.servers[d.Conn].serial == serial }, func() {
		c, met, err := p.conf.Dial(p.ctx, d)
		if !p.post(func() { p.dialled(&d, serial, c, met, err) }) && c != nil {
			_ = c.Close()
		}
	})
}

func (p *poller) dialled(d *upstream.Dial, serial uint64, c net.Conn, met upstream.Greeting, err error) {
	defer p.ended(d)
	id := d.Conn
	current := p.servers[id].serial == serial
	if err == nil && current && !p.ending {
		var fd int
		var secure *tlsconn.Conn
		if fd, secure, err = takeConn(c); err == nil {
			if err = p.add(fd, aConn, uint32(id), secure); err == nil {
				p.servers[id].fd = int32(fd)
				p.w.ConnOpened(id, met)
				p.leftOver(fd)
				return
			}
			_ = unix.Close(fd)
		}
	}
	if c != nil {
		_ = c.Close()
	}
	if current {
		p.servers[id] = server{fd: -1}
		p.w.ConnClosed(id, whyNot(err))
	}
}

// Accept implements Loop.
func (p *poller) Accept(c net.Conn, service int) error {
	remote, local := addresses(c)
	fd, secure, err := takeConn(c)
	if err != nil {
		return err
	}
	p.clients.Add(1)
	refuse := func() {
		p.clients.Add(-1)
		_ = unix.Close(fd)
	}
	taken := p.post(func() {
		if p.ending || p.add(fd, aClient, 0, secure) != nil {
			refuse()
			return
		}
		id := p.w.ClientOpened(service, remote, local)
		for int(id) >= len(p.client) {
			p.client = append(p.client, -1)
		}
		p.client[id] = int32(fd)
		p.conns[fd].id = id
		p.leftOver(fd)
	})
	if !taken {
		refuse()
	}
	return nil
}

// Post implements Loop.
func (p *poller) Post(f func(w *worker.Worker)) { p.post(func() { f(p.w) }) }

func (p *poller) post(f func()) bool { return p.put(f, p.wake) }

func (p *poller) wake() {
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	_, _ = unix.Write(p.wakefd, one[:])
}

// Stop implements Loop.
func (p *poller) Stop() {
	p.cancel()
	p.post(func() { p.ending = true })
	<-p.stopped
}

func (p *poller) closeAll() {
	for fd := range p.conns {
		if k := p.conns[fd].kind; k == aClient || k == aConn {
			p.close(fd)
		}
	}
	p.end()
	_ = unix.Close(p.epfd)
	_ = unix.Close(p.wakefd)
}

//go:build !portable

package loop

import (
	"golang.org/x/sys/unix"

	"evergate/gateway/tlsconn"
)

// connection is what one file descriptor is.
type conn struct {
	kind        kind
	out         bool // waiting for room to write
	quiet       bool // not read from, until the other side has closed its half
	ended       bool // a client: it has been read to its end
	writeFailed bool // a write failed: it ends when everything that came before has been read
	id          uint32
	tls         *tlsconn.Conn // nil: plain
}

type kind uint8

const (
	unused kind = iota
	aClient
	aConn
	aWake
)

// over: the other side has closed its half of a connection, or all of it. It is told without reading, so that
// a client that is not read from cannot leave unseen.
const over = unix.EPOLLRDHUP | unix.EPOLLHUP | unix.EPOLLERR

// add registers a socket. secure is nil for a plain one.
func (p *poller) add(fd int, k kind, id uint32, secure *tlsconn.Conn) error {
	for fd >= len(p.conns) {
		p.conns = append(p.conns, make([]conn, max(64, len(p.conns)))...)
	}
	p.conns[fd] = conn{kind: k, id: id, tls: secure}
	events := p.conns[fd].events()
	return unix.EpollCtl(p.epfd, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)})
}

// watch changes what is waited for on a socket.
func (p *poller) watch(fd int, change func(*conn)) {
	c := &p.conns[fd]
	before := *c
	change(c)
	if *c == before {
		return
	}
	_ = unix.EpollCtl(p.epfd, unix.EPOLL_CTL_MOD, fd, &unix.EpollEvent{Events: c.events(), Fd: int32(fd)})
}

// events are what is waited for.
func (c *conn) events() (events uint32) {
	if !c.quiet && !c.ended {
		events = unix.EPOLLIN
	}
	if c.kind == aClient && !c.ended {
		events |= unix.EPOLLRDHUP
	}
	if c.out {
		events |= unix.EPOLLOUT
	}
	return events
}

func (p *poller) close(fd int) {
	if p.conns[fd].kind == aClient {
		p.clients.Add(-1)
	}
	if secure := p.conns[fd].tls; secure != nil {
		if b := secure.Goodbye(p.sealed); len(b) > 0 {
			_, _ = send(fd, b)
		}
	}
	p.conns[fd] = conn{}
	_ = unix.Close(fd) // leaves the epoll set too
}

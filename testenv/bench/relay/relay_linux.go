// Relay is the lower bound of the gateway's cost: a bare relay of many clients onto one shared, pipelined connection.
// It has one thread and one epoll; a round reads each ready socket once, then writes once to the server and once to
// each client with replies. It finds the ends of frames, but has no routing, no limits, no second server. Any cost
// above this is the gateway's own. System calls go through Go's scheduler, as in other Go programs; raw ones would cost
// about a fifth less.
//
//	relay -listen 127.0.0.1:7000 -upstream 127.0.0.1:6379
//
// It trusts both sides, and a client that does not read stalls the others: a floor, not a proxy to use.
package main

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// readSize is the most bytes of one read of a socket.
const readSize = 64 << 10

type client struct {
	fd     int
	in     []byte // the start of an incomplete frame
	out    []byte // replies of this round
	dirty  bool   // is in relay.dirty
	closed bool   // its later replies are dropped
}

type relay struct {
	epoll, listener, upstream int
	clients                   map[int]*client
	dirty                     []*client // clients with replies to write in this round
	pending                   []*client // clients of the next replies, oldest first
	head                      int
	in, out                   []byte // from and to the server
	buf                       []byte
}

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address to listen on")
	upstream := flag.String("upstream", "127.0.0.1:6379", "address of the server")
	flag.Parse()
	runtime.LockOSThread()
	if err := run(*listen, *upstream); err != nil {
		fmt.Fprintln(os.Stderr, "relay:", err)
		os.Exit(1)
	}
}

func run(listen, upstream string) error {
	r := &relay{clients: map[int]*client{}, buf: make([]byte, readSize)}
	if err := r.open(listen, upstream); err != nil {
		return err
	}
	events := make([]unix.EpollEvent, 256)
	for {
		n, err := unix.EpollWait(r.epoll, events, -1)
		if err != nil && err != unix.EINTR {
			return err
		}
		for i := range max(n, 0) {
			if err := r.ready(int(events[i].Fd)); err != nil {
				return err
			}
		}
		if err := r.flush(); err != nil {
			return err
		}
	}
}

func (r *relay) open(listen, upstream string) (err error) {
	var to, at unix.Sockaddr
	if to, err = sockaddr(upstream); err != nil {
		return err
	}
	if at, err = sockaddr(listen); err != nil {
		return err
	}
	if r.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return err
	}
	if r.upstream, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return err
	}
	if err = unix.Connect(r.upstream, to); err != nil {
		return fmt.Errorf("connect to %s: %w", upstream, err)
	}
	if r.listener, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return err
	}
	if err = unix.SetsockoptInt(r.listener, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return err
	}
	if err = unix.Bind(r.listener, at); err != nil {
		return fmt.Errorf("listen on %s: %w", listen, err)
	}
	if err = unix.Listen(r.listener, 1024); err != nil {
		return err
	}
	if err = r.watch(r.listener); err != nil {
		return err
	}
	return r.watch(r.upstream)
}

func sockaddr(s string) (unix.Sockaddr, error) {
	a, err := netip.ParseAddrPort(s)
	if err != nil || !a.Addr().Is4() {
		return nil, fmt.Errorf("%q is not an IPv4 address and a port", s)
	}
	return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}, nil
}

func (r *relay) watch(fd int) error {
	if err := unix.SetNonblock(fd, true); err != nil {
		return err
	}
	if fd != r.listener {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
			return err
		}
	}
	return unix.EpollCtl(r.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
}

// ready reads one socket once. An error, which only the server's side returns, ends the relay.
func (r *relay) ready(fd int) error {
	switch fd {
	case r.listener:
		conn, _, err := unix.Accept4(fd, unix.SOCK_CLOEXEC)
		if err != nil {
			return nil
		}
		r.clients[conn] = &client{fd: conn}
		return r.watch(conn)
	case r.upstream:
		n, err := unix.Read(fd, r.buf)
		if n > 0 {
			r.replies(r.buf[:n])
		}
		if n == 0 || (err != nil && err != unix.EAGAIN) {
			return fmt.Errorf("the server closed the connection: %v", err)
		}
	default:
		c := r.clients[fd]
		n, err := unix.Read(fd, r.buf)
		if n > 0 {
			r.requests(c, r.buf[:n])
		} else if err != unix.EAGAIN {
			r.drop(c)
		}
	}
	return nil
}

// requests forwards the whole frames of a client's input, with an entry in pending for each, and keeps the rest.
func (r *relay) requests(c *client, b []byte) {
	if len(c.in) > 0 {
		c.in = append(c.in, b...)
		b = c.in
	}
	used := 0
	for n := frameLen(b); n > 0; n = frameLen(b[used:]) {
		used += n
		r.pending = append(r.pending, c)
	}
	r.out = append(r.out, b[:used]...)
	c.in = append(c.in[:0], b[used:]...)
}

// replies passes each whole frame from the server to the first client in pending.
func (r *relay) replies(b []byte) {
	if len(r.in) > 0 {
		r.in = append(r.in, b...)
		b = r.in
	}
	used := 0
	for n := frameLen(b); n > 0; n = frameLen(b[used:]) {
		c := r.pending[r.head]
		r.head++
		c.out = append(c.out, b[used:used+n]...)
		if !c.dirty {
			c.dirty = true
			r.dirty = append(r.dirty, c)
		}
		used += n
	}
	r.in = append(r.in[:0], b[used:]...)
	if r.head == len(r.pending) {
		r.pending, r.head = r.pending[:0], 0
	} else if r.head > 4096 {
		r.pending, r.head = append(r.pending[:0], r.pending[r.head:]...), 0
	}
}

func (r *relay) flush() error {
	if len(r.out) > 0 {
		if err := writeAll(r.upstream, r.out); err != nil {
			return fmt.Errorf("write to the server: %w", err)
		}
		r.out = r.out[:0]
	}
	for _, c := range r.dirty {
		if !c.closed && writeAll(c.fd, c.out) != nil {
			r.drop(c)
		}
		c.out, c.dirty = c.out[:0], false
	}
	r.dirty = r.dirty[:0]
	return nil
}

func (r *relay) drop(c *client) {
	c.closed = true
	delete(r.clients, c.fd)
	unix.Close(c.fd)
}

// writeAll writes b, and waits while the socket is full.
func writeAll(fd int, b []byte) error {
	for len(b) > 0 {
		n, err := unix.Write(fd, b)
		if err == unix.EAGAIN {
			_, err = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, -1)
		}
		if err != nil && err != unix.EINTR {
			return err
		}
		b = b[max(n, 0):]
	}
	return nil
}

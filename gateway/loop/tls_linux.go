//go:build !portable

package loop

import (
	"errors"
	"io"
	"net"
	"syscall"

	"golang.org/x/sys/unix"

	"evergate/gateway/tlsconn"
	"evergate/gateway/worker"
)

// takeConn takes the socket out of a connection, and returns what stays of it if it is one of TLS.
func takeConn(c net.Conn) (fd int, secure *tlsconn.Conn, err error) {
	secure, ok := c.(*tlsconn.Conn)
	if !ok {
		fd, err = takeFD(c)
		return fd, nil, err
	}
	if fd, err = takeFD(secure.Raw()); err != nil {
		return fd, nil, err
	}
	secure.Detach()
	return fd, secure, nil
}

// readTLS reads once from a socket and passes on what that decrypts to.
func (p *poller) readTLS(fd int, c conn, events uint32) {
	n, errno := recv(fd, p.buf)
	switch {
	case n > 0:
		c.tls.Received(p.buf[:n])
	case errno == unix.EAGAIN || errno == unix.EINTR:
		return
	case n == 0:
		c.tls.End()
	default:
		p.lost(fd, c)
		return
	}
	p.decrypt(fd, c, events)
}

// leftOver passes on what was decrypted before the loop took a connection over.
func (p *poller) leftOver(fd int) {
	if c := p.conns[fd]; c.tls != nil {
		p.decrypt(fd, c, 0)
	}
}

// decrypt passes on what a connection was fed.
func (p *poller) decrypt(fd int, c conn, events uint32) {
	for {
		into := p.plain
		var room []byte
		if c.kind == aClient {
			if room, _ = p.w.ClientRoom(c.id); len(room) > 0 {
				into = room
			}
		}
		n, err := c.tls.Read(into)
		switch {
		case n == 0:
		case len(room) > 0:
			p.w.ClientFilled(c.id, n)
		case c.kind == aClient:
			p.w.ClientRead(c.id, into[:n])
		default:
			p.w.ConnRead(worker.ConnID(c.id), into[:n])
		}
		switch {
		case err == nil && (n == len(into) || !c.tls.Exhausted()):
			continue
		case err == nil || tlsconn.Dry(err):
			if c.tls.Owes() && !p.conns[fd].out {
				p.write(fd, p.conns[fd])
			}
		case errors.Is(err, io.EOF) && c.kind == aClient:
			p.clientEnded(fd, c, events)
		default:
			p.lost(fd, c)
		}
		return
	}
}

// seal encrypts what is to be written. It fails where TLS is broken.
func (p *poller) seal(c conn, b []byte) ([]byte, syscall.Errno) {
	b, err := c.tls.Seal(b, p.sealed)
	if err != nil {
		return nil, unix.EPIPE
	}
	return b, 0
}

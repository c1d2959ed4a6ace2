package web

import (
	"net"
	"sync"
)

// limited is a listener that keeps at most so many connections open, and closes further ones at once: those that are
// open may be idle, and what waits in the queue of the system would look like a server that hangs.
type limited struct {
	net.Listener
	free chan struct{}
}

func limit(ln net.Listener, n int) *limited {
	return &limited{Listener: ln, free: make(chan struct{}, n)}
}

// Accept returns the next connection that fits.
func (l *limited) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case l.free <- struct{}{}:
			return &counted{Conn: conn, leave: sync.OnceFunc(func() { <-l.free })}, nil
		default:
			_ = conn.Close()
		}
	}
}

// counted leaves its place when it is closed.
type counted struct {
	net.Conn
	leave func()
}

func (c *counted) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

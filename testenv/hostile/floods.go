package main

import (
	"context"
	"math/rand/v2"
	"net"
	"time"
)

// connections opens many, and resets most of them.
func connections(ctx context.Context, t *target) {
	var all []net.Conn
	for i := range 200 {
		c := t.dial()
		if c == nil {
			break
		}
		if tcp, ok := c.(*net.TCPConn); ok && i%2 == 0 {
			_ = tcp.SetLinger(0)
		}
		all = append(all, c)
	}
	pause(ctx, 100*time.Millisecond)
	for _, c := range all {
		_ = c.Close()
	}
}

// passwords guesses.
func passwords(_ context.Context, t *target) {
	c := (&target{addr: t.addr, from: guesser}).dial()
	if c == nil {
		return
	}
	defer func() { _ = c.Close() }()
	var b []byte
	for range 100 {
		b = append(b, "*2\r\n$4\r\nAUTH\r\n$5\r\nguess\r\n"...)
	}
	if _, err := c.Write(b); err == nil {
		_, _ = c.Read(make([]byte, 4<<10))
	}
}

// portScan connects and leaves, or sends one byte.
func portScan(_ context.Context, t *target) {
	for i := range 10 {
		c := t.dial()
		if c == nil {
			return
		}
		if i%2 == 0 {
			_, _ = c.Write([]byte{0})
		}
		_ = c.Close()
	}
}

// http takes the port for that of a web server.
func http(_ context.Context, t *target) {
	for _, request := range []string{"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n",
		"POST /k HTTP/1.1\r\nHost: example.com\r\nContent-Length: 30\r\n\r\nSET posted value\r\nFLUSHALL\r\n"} {
		c := t.dial()
		if c == nil {
			return
		}
		if _, err := c.Write([]byte(request)); err == nil {
			_ = c.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
			_, _ = c.Read(make([]byte, 4<<10))
		}
		_ = c.Close()
	}
}

// garbage sends random bytes, and the beginning of a TLS handshake.
func garbage(_ context.Context, t *target) {
	random := make([]byte, 16<<10)
	for i := range random {
		random[i] = byte(rand.Uint32())
	}
	for _, b := range [][]byte{random, append([]byte{22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3}, random[:500]...)} {
		c := t.dial()
		if c == nil {
			return
		}
		_, _ = c.Write(b)
		_ = c.Close()
	}
}

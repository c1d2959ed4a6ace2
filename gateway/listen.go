package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"evergate/gateway/certs"
	"evergate/gateway/loop"
)

// listener is one address of one service.
type listener struct {
	net.Listener
	service int
	// id is the workers' name of the listener.
	id int
	// tls is what clients are shown; nil: the listener is one without TLS.
	tls *certs.Server
}

// acceptPause is the pause after an error of accept such as too many open files.
const acceptPause = 50 * time.Millisecond

var tooManyClients = []byte("-ERR max number of clients reached\r\n")

// listen opens all listeners; after an error the open ones are left to closeListeners.
func (g *Gateway) listen() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	ids, _ := g.conf.listenerIDs()
	for i := range g.conf.Services {
		s := &g.conf.Services[i]
		for n, address := range s.Listeners() {
			ln, err := listenOn(address)
			if err != nil {
				return err
			}
			l := listener{Listener: ln, service: i, id: ids[len(g.listeners)]}
			if s.isTLS(n) {
				l.tls = g.material.servers[i]
			}
			g.listeners = append(g.listeners, l)
		}
	}
	g.announceFacades()
	return nil
}

func listenOn(address string) (net.Listener, error) {
	network, at, err := SplitListen(address)
	if err != nil {
		return nil, fmt.Errorf("listen %s: %w", address, err)
	}
	if network == "unix" {
		removeStale(at)
	}
	return net.Listen(network, at)
}

// removeStale removes a unix socket without a listener, as a killed process leaves it.
func removeStale(path string) {
	st, err := os.Lstat(path)
	if err != nil || st.Mode()&os.ModeSocket == 0 {
		return
	}
	c, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		_ = c.Close()
		return
	}
	_ = os.Remove(path)
}

// accept takes connections until its context ends: that stops handshakes, too.
func (g *Gateway) accept(ctx context.Context, ln listener) {
	failures, loggedAt := 0, time.Time{}
	for {
		conn, err := ln.Accept()
		if errors.Is(err, net.ErrClosed) || ctx.Err() != nil {
			if conn != nil {
				_ = conn.Close()
			}
			return
		}
		if err != nil {
			if failures++; time.Since(loggedAt) >= refusalsPause {
				g.logger.Warn("accept failed", "address", ln.Addr().String(), "error", err, "failures", failures)
				failures, loggedAt = 0, time.Now()
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(acceptPause):
			}
			continue
		}
		switch {
		case !g.fits(conn):
			g.refuse(conn, ln)
		case !g.enters(conn):
			turnAway(conn, ln)
		case ln.tls == nil:
			g.serve(ln, conn)
		default:
			g.handshakes.underWay.Add(1)
			g.running.Go(func() {
				defer g.handshakes.underWay.Add(-1)
				if secure := g.handshakes.handshake(ctx, conn, ln.tls, ln.Addr().String()); secure != nil {
					g.serve(ln, secure)
				} else {
					g.leaves(conn)
				}
			})
		}
	}
}

// fits reports whether there is room for one more client.
func (g *Gateway) fits(conn net.Conn) bool {
	_, clients := g.idlest()
	return clients+int(g.handshakes.underWay.Load()) < g.descriptors.clientsMax() && g.descriptors.forClient(conn)
}

// serve hands a connection to the loop with the fewest clients.
func (g *Gateway) serve(ln listener, conn net.Conn) {
	if l, _ := g.idlest(); l.Accept(conn, ln.id) != nil {
		g.leaves(conn)
		g.refuse(conn, ln)
	}
}

// refuse closes a connection that finds no room.
func (g *Gateway) refuse(conn net.Conn, ln listener) {
	g.refusals.note()
	turnAway(conn, ln)
}

// turnAway closes a connection of one client too many. A client of TLS gets no text: there is no time for a handshake.
func turnAway(conn net.Conn, ln listener) {
	if ln.tls == nil {
		_ = conn.SetWriteDeadline(time.Now().Add(time.Millisecond))
		_, _ = conn.Write(tooManyClients)
	}
	_ = conn.Close()
}

// idlest returns the loop with the fewest clients, and how many there are in all.
func (g *Gateway) idlest() (best loop.Loop, all int) {
	fewest := 0
	for _, l := range g.loops {
		n := l.Clients()
		all += n
		if best == nil || n < fewest {
			best, fewest = l, n
		}
	}
	return best, all
}

package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"evergate/gateway/loop"
)

// listener is one address of one service.
type listener struct {
	net.Listener
	service int
	// id is the workers' name of the listener.
	id int
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
		for _, address := range g.conf.Services[i].Listen {
			network, at, err := SplitListen(address)
			if err != nil {
				return fmt.Errorf("listen %s: %w", address, err)
			}
			if network == "unix" {
				removeStale(at)
			}
			ln, err := net.Listen(network, at)
			if err != nil {
				return err
			}
			g.listeners = append(g.listeners, listener{ln, i, ids[len(g.listeners)]})
		}
	}
	g.announceFacades()
	return nil
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

func (g *Gateway) closeListeners() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, ln := range g.listeners {
		_ = ln.Close()
	}
}

// accept hands each connection to the loop with the fewest clients.
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
		l, clients := g.idlest()
		if clients >= g.descriptors.clientsMax() || !g.descriptors.forClient(conn) || l.Accept(conn, ln.id) != nil {
			g.refusals.note()
			_ = conn.SetWriteDeadline(time.Now().Add(time.Millisecond))
			_, _ = conn.Write(tooManyClients)
			_ = conn.Close()
		}
	}
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
